"""Personal data and secrets: found by pattern and checksum, replaced, hashed or refused."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import ClassVar, Literal, Self

import pyarrow as pa
from pydantic import Field, model_validator

from headwater.curate.pii.findings import KINDS, Finding, Kind, without_overlaps
from headwater.curate.pii.names import names_in, pipeline_version
from headwater.curate.pii.pseudonyms import key_digest, pseudonym, read_key
from headwater.curate.pii.search import decide, families_of, places
from headwater.curate.step import StepSettings, Verdict, with_columns, with_verdicts
from headwater.fingerprint import canonical_json, digest_json, digest_text

__all__ = ["KINDS", "Finding", "Kind", "Mode", "Redact"]

Mode = Literal["redact", "hash", "drop", "keep"]
DEFAULT_KINDS: tuple[Kind, ...] = tuple(kind for kind in KINDS if kind != "name")


class Redact(StepSettings):
    """Finds personal data and secrets in text, title and attributes; `modes` says what becomes of each kind.

    `redact`, the default, puts `<EMAIL>` and the like in its place. `hash` puts a pseudonym there, `<EMAIL:`,
    16 hex digits and `>`: the same for the same value under the same key, which stands in the environment
    variable `key_variable`. `drop` refuses the document (`pii_email` and so on) and redacts what is shown of
    it. `keep` leaves it, and no other kind is seen in it.

    Kinds are secret, email, iban, card, national_id, ip, phone and, only when listed, name, which needs an
    installed spaCy pipeline. Digits are those of ASCII.

    What documentation prints on purpose and identifies nobody stays: addresses at example.com and the other
    reserved domains (RFC 2606, RFC 6761), loopback, private, link-local, documentation and otherwise reserved
    IP addresses, networks, telephone numbers reserved for fiction (555-01xx), and keys that contain EXAMPLE,
    as those in the AWS documentation do. `allow` keeps further e-mail domains.
    """

    name: ClassVar[str] = "pii"
    modules: ClassVar[tuple[str, ...]] = ("headwater.curate.kernels.pii", "headwater.curate.kernels.buffers")
    kinds: tuple[Kind, ...] = DEFAULT_KINDS
    modes: Mapping[Kind, Mode] = Field(default_factory=dict)
    allow: tuple[str, ...] = ()
    key_variable: str | None = None
    ner_pipeline: str = "en_core_web_sm"

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        unused = sorted(set(self.modes) - set(self.kinds))
        if unused:
            raise ValueError(f"modes names {', '.join(unused)}, which kinds does not list")
        if "hash" in self.modes.values() and not self.key_variable:
            raise ValueError(
                "key_variable must name the environment variable with the key, since a mode is hash"
            )
        return self

    def _digest(self, exclude: tuple[str, ...]) -> str:
        # What decides on the result and does not stand in the parameters: the key and the pipeline.
        digest = super()._digest(exclude)
        if "hash" in self.modes.values() and self.key_variable:
            digest = digest_json([digest, key_digest(self.key_variable)])
        return digest_json([digest, pipeline_version(self.ner_pipeline)]) if "name" in self.kinds else digest

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Replaces `text`, `text_digest`, `title`, `attributes`; adds `redactions`.

        With a mode `drop`, adds the verdict too. `text_digest` must be right for what comes in: only those of
        changed texts are made anew. Raises `MissingKey` and `MissingPipeline`.
        """
        key = self._key()
        counts: dict[int, Counter[str]] = {}
        text = self._redacted(batch.column("text"), counts, key)
        title = self._redacted(batch.column("title"), counts, key)
        attributes = self._redacted_attributes(batch.column("attributes"), counts, key)
        redactions = ["{}"] * batch.num_rows
        for row, found in counts.items():
            redactions[row] = canonical_json(dict(found))
        changed = {row: digest_text(value) for row, value in text.items()}
        result = with_columns(
            batch,
            text=_replaced(batch.column("text"), text),
            text_digest=_replaced(batch.column("text_digest"), changed),
            title=_replaced(batch.column("title"), title),
            attributes=_replaced(batch.column("attributes"), attributes),
            redactions=pa.array(redactions, pa.string()),
        )
        if "drop" not in self.modes.values():
            return result
        return with_verdicts(result, [self._verdict(counts.get(row)) for row in range(batch.num_rows)])

    def redact(self, text: str, found: Counter[str] | None = None) -> str:
        """One text, by the same rules; `found`, if given, counts what was replaced by kind."""
        return self._apply(text, self.find(text), Counter() if found is None else found, self._key())

    def find(self, text: str) -> list[Finding]:
        """What is found in one text, in its order and without overlaps."""
        kinds, allow = frozenset(self.kinds), frozenset(self.allow)
        found = [
            finding
            for start, family in places(text, families_of(kinds))
            for finding in decide(text, start, family, kinds, allow)
        ]
        return self._resolved(text, found)

    def _resolved(self, text: str, found: Iterable[Finding]) -> list[Finding]:
        names = names_in(text, self.ner_pipeline) if "name" in self.kinds else ()
        return without_overlaps({*found, *names})

    def _redacted(
        self, column: pa.Array, counts: dict[int, Counter[str]], key: bytes | None
    ) -> dict[int, str]:
        """New text of each row in which something is replaced; `counts` by row grows."""
        from headwater.curate.pii.batch import findings_in

        found = findings_in(column, frozenset(self.kinds), frozenset(self.allow))
        rows = range(len(column)) if "name" in self.kinds else sorted(found)
        changed: dict[int, str] = {}
        for row in rows:
            text = column[row].as_py()
            count: Counter[str] = Counter()
            replaced = self._apply(text, self._resolved(text, found.get(row, ())), count, key)
            if count:
                changed[row] = replaced
                counts.setdefault(row, Counter()).update(count)
        return changed

    def _redacted_attributes(
        self, column: pa.Array, counts: dict[int, Counter[str]], key: bytes | None
    ) -> dict[int, str]:
        changed: dict[int, str] = {}
        for row in self._attributes_to_read(column):
            count: Counter[str] = Counter()
            fields = {
                name: self._apply(value, self.find(value), count, key)
                for name, value in json.loads(column[row].as_py()).items()
            }
            if count:
                changed[row] = canonical_json(fields)
                counts.setdefault(row, Counter()).update(count)
        return changed

    def _attributes_to_read(self, column: pa.Array) -> list[int]:
        """Rows whose JSON has a place, or an escape that may hide one."""
        from headwater.curate.pii.batch import documents_with_places

        if "name" in self.kinds:
            return list(range(len(column)))
        return sorted({*_escaped(column), *documents_with_places(column, frozenset(self.kinds))})

    def _apply(self, text: str, findings: list[Finding], count: Counter[str], key: bytes | None) -> str:
        pieces: list[str] = []
        end = 0
        for finding in findings:
            mode = self.modes.get(finding.kind, "redact")
            if mode == "keep":
                continue
            pieces.append(text[end : finding.start])
            end = finding.end
            shown = finding.kind.upper()
            if mode == "hash" and key is not None:
                shown += f":{pseudonym(key, finding.kind, text[finding.start : finding.end])}"
            pieces.append(f"<{shown}>")
            count[finding.kind] += 1
        return "".join((*pieces, text[end:])) if pieces else text

    def _key(self) -> bytes | None:
        return read_key(self.key_variable) if "hash" in self.modes.values() and self.key_variable else None

    def _verdict(self, found: Counter[str] | None) -> Verdict | None:
        for kind in KINDS:
            if found and found[kind] and self.modes.get(kind) == "drop":
                return Verdict(f"pii_{kind}", f"{kind} found {found[kind]} times; none may be there")
        return None


def _escaped(column: pa.Array) -> list[int]:
    """Rows of JSON with an escape."""
    import pyarrow.compute as pc

    return pc.call_function(
        "indices_nonzero", [pc.call_function("match_substring", [column], pc.MatchSubstringOptions("\\"))]
    ).to_pylist()


def _replaced(column: pa.Array, values: Mapping[int, str]) -> pa.Array:
    """The column with these rows replaced; the column itself if there are none."""
    import numpy as np
    import pyarrow.compute as pc

    if not values:
        return column
    rows = sorted(values)
    mask = np.zeros(len(column), dtype=bool)
    mask[rows] = True
    return pc.call_function(
        "replace_with_mask", [column, pa.array(mask), pa.array([values[row] for row in rows], column.type)]
    )
