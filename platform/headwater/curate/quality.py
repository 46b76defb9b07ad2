"""Quality rules: simple measures of a text against thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
import pyarrow as pa
from pydantic import Field

from headwater.curate.rules import Rule, Values, judge, kept_share, ratio
from headwater.curate.step import Looser, StepSettings, strings, with_columns

if TYPE_CHECKING:
    from headwater.curate.kernels.counters import Counters

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Count = Annotated[int, Field(ge=0)]


class Quality(StepSettings):
    """Refuses documents that a measure shows to be something else than text. Null switches a rule off.

    The measures are those of Gopher (Rae et al., 2021, appendix A1.1), made for running prose of the web.
    Reference documentation is terser, so the defaults are wider, in brackets Gopher's: at least 3 words
    [50], a mean word length of 2 to 12 [3 to 10], letters in half of the words [80 %], 0.2 symbols (# and
    ellipses) for each word [0.1], bullets off [90 %], 0.4 of the characters in repeated lines or paragraphs
    [0.2]. Under Gopher's own bounds good entries of AWS's reference fall that list the same names for each
    of several products. The stop-word rule is left out, for it knows English only. The rules as published
    are the steps `gopher_quality`, `gopher_repetition`, `c4_quality` and `fineweb_quality`.

    Word lengths are those of words of letters alone, of scripts that put spaces between words, of at most
    40 characters: identifiers and encoded data say nothing about prose. Rules about lines judge texts of at
    least `min_lines` lines. `placeholders` refuses texts that contain one of these phrases, such as C4's
    "lorem ipsum" (Raffel et al., 2020).

    Reasons: too_short, too_long, word_length, symbols, not_alphabetic, bullets, ellipses, repeated_lines,
    repeated_paragraphs, placeholder.
    """

    name: ClassVar[str] = "quality"
    modules: ClassVar[tuple[str, ...]] = (
        "headwater.curate.rules",
        "headwater.curate.words",
        "headwater.curate.kernels.block_words",
        "headwater.curate.kernels.blocks",
        "headwater.curate.kernels.characters",
        "headwater.curate.kernels.counters",
        "headwater.curate.kernels.lines",
        "headwater.curate.kernels.quality",
        "headwater.curate.kernels.splitting",
        "headwater.curate.kernels.tables",
        "headwater.curate.kernels.words",
    )
    looser: ClassVar[Mapping[str, Looser]] = {
        "min_words": "lower",
        "max_words": "higher",
        "min_mean_word_length": "lower",
        "max_mean_word_length": "higher",
        "max_symbol_ratio": "higher",
        "min_alphabetic_share": "lower",
        "max_bullet_share": "higher",
        "max_ellipsis_share": "higher",
        "max_repeated_line_share": "higher",
        "max_repeated_paragraph_share": "higher",
        "min_lines": "higher",
    }
    min_words: Count | None = 3
    max_words: Count | None = 100_000
    min_mean_word_length: float | None = 2.0
    max_mean_word_length: float | None = 12.0
    max_symbol_ratio: Share | None = 0.2
    min_alphabetic_share: Share | None = 0.5
    max_bullet_share: Share | None = None
    max_ellipsis_share: Share | None = 0.3
    max_repeated_line_share: Share | None = 0.4
    max_repeated_paragraph_share: Share | None = 0.4
    min_lines: Count = 10
    placeholders: tuple[str, ...] = ()

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Adds `words` and the verdict."""
        counts = self._counts(batch)
        return judge(with_columns(batch, words=pa.array(counts["words"])), self._rules(batch, counts))

    def kept_share(self, batch: pa.RecordBatch) -> Values:
        """Of each document the share of the rules about it that it keeps, from 0 to 1."""
        return kept_share(self._rules(batch, self._counts(batch)))

    def _counts(self, batch: pa.RecordBatch) -> Counters:
        from headwater.curate.kernels.buffers import TextBuffers
        from headwater.curate.kernels.quality import quality_counters

        return quality_counters(TextBuffers.of(batch.column("text")))

    def _rules(self, batch: pa.RecordBatch, counts: Counters) -> tuple[Rule, ...]:
        words, prose = counts["words"], counts["prose_words"]
        several = np.maximum(words, 1)
        mean = ratio(counts["prose_characters"], prose)
        symbols = counts["symbols"] / several
        alphabetic = counts["alphabetic_words"] / several
        several = np.maximum(counts["lines"], 1)
        bullets, ellipses = counts["bullets"] / several, counts["ellipses"] / several
        lines, paragraphs = _repeated(counts, "line"), _repeated(counts, "paragraph")
        listed = counts["lines"] >= self.min_lines
        return (
            Rule("too_short", words, self.min_words, unit=" words"),
            Rule("too_long", words, most=self.max_words, unit=" words"),
            Rule("placeholder", self._placeholders(batch), most=0, unit=" placeholders"),
            Rule(
                "word_length",
                mean,
                self.min_mean_word_length,
                self.max_mean_word_length,
                " characters in the mean",
                prose > 0,
            ),
            Rule("symbols", symbols, most=self.max_symbol_ratio, unit=" symbols for each word"),
            Rule("not_alphabetic", alphabetic, self.min_alphabetic_share, unit="%"),
            Rule("bullets", bullets, None, self.max_bullet_share, "%", listed),
            Rule("ellipses", ellipses, None, self.max_ellipsis_share, "%", listed),
            Rule("repeated_lines", lines, None, self.max_repeated_line_share, "%", listed),
            Rule("repeated_paragraphs", paragraphs, None, self.max_repeated_paragraph_share, "%", listed),
        )

    def _placeholders(self, batch: pa.RecordBatch) -> Values:
        """How many of the phrases each document contains."""
        if not self.placeholders:
            return np.zeros(len(batch), dtype=np.int64)
        lowered = [text.lower() for text in strings(batch, "text")]
        return np.array([sum(one in text for one in self.placeholders) for text in lowered])


def _repeated(counts: Counters, piece: str) -> Values:
    """Share of the characters that stand in pieces which stood before."""
    return 1.0 - counts[f"distinct_{piece}_characters"] / np.maximum(counts[f"{piece}_characters"], 1)
