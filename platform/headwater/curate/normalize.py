"""Normalization: Unicode, whitespace, mojibake and remains of markup."""

from __future__ import annotations

from typing import ClassVar

import pyarrow as pa

from headwater.curate.code_points import Form
from headwater.curate.step import StepSettings, Verdict, with_columns, with_verdicts

_LINES = ("title", "section")


class Normalize(StepSettings):
    """Brings text, title and section into one form; refuses a document of which nothing is left (`no_text`).

    `form` is the Unicode normalization form (NFC, as the W3C's Character Model advises; NFKC also folds
    compatibility characters). Invisible characters go, all spaces and line ends become ordinary ones,
    trailing spaces and more than one blank line go, runs of spaces inside a line become one. Lines that
    begin with four spaces or a tab are code and keep their inner spaces.

    `mojibake` undoes UTF-8 that was read in another encoding, in lines that show the signs of it.

    `markup` removes what an extraction or an export left behind: elements whose end tag stands in the
    text, and character references. A lone `<b>` that prose talks about has no end tag and stays; code keeps
    everything.
    """

    name: ClassVar[str] = "normalize"
    modules: ClassVar[tuple[str, ...]] = (
        "headwater.curate.cleaning",
        "headwater.curate.code_points",
        "headwater.curate.kernels.buffers",
        "headwater.curate.kernels.normalize",
        "headwater.curate.kernels.utf8",
        "headwater.curate.markup",
        "headwater.curate.mojibake",
    )
    libraries: ClassVar[tuple[str, ...]] = ("ftfy", "numba")
    form: Form = "NFC"
    mojibake: bool = True
    markup: bool = True

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Replaces `text`, `text_digest` and, where they are, `title` and `section`; adds the verdict.

        The new column `repaired_lines` says in how many lines of the text mojibake was undone.
        """
        from headwater.curate.cleaning import Cleaner

        cleaner = Cleaner(self.form, mojibake=self.mojibake, markup=self.markup)
        texts = cleaner.texts(batch.column("text"))
        lines = {name: cleaner.lines(batch.column(name)) for name in _LINES if name in batch.schema.names}
        verdict = Verdict("no_text", "nothing but whitespace is left")
        changed = with_columns(
            batch,
            text=texts.column,
            text_digest=texts.digests,
            repaired_lines=texts.repaired_lines,
            **lines,
        )
        return with_verdicts(changed, [verdict if empty else None for empty in texts.are_empty])

    def text(self, text: str) -> str:
        """The normalized text; without `markup`, applying it twice changes nothing more."""
        return self(pa.RecordBatch.from_pydict({"text": [text]})).column("text")[0].as_py()

    def line(self, text: str) -> str:
        """A title or section on one line."""
        return " ".join(self.text(text).split())
