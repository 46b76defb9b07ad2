"""The cleaning and the rules of C4."""

# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import field_validator, model_validator

from headwater.curate.gopher import Count
from headwater.curate.rules import Rule, judge
from headwater.curate.step import REASON, Looser, with_columns
from headwater.curate.word_settings import WORD_MODULES, WordSettings
from headwater.fingerprint import digest_bytes


class C4Quality(WordSettings):
    """Keeps the lines that C4 keeps and refuses documents by its rules. Null switches a rule off.

    Raffel et al., "Exploring the Limits of Transfer Learning" (2020, arXiv 1910.10683), section 2.2, with
    what the code that made C4 adds, read as datatrove's C4QualityFilter reads it. Of every line, trimmed:
    dropped when a word has more than `max_word_length` characters, when it does not end with one of . ? ! " '
    or ends with an ellipsis, when it has fewer than `min_line_words` words, or when it contains one of
    `script_words` or `policy_phrases`; citations such as [12], [edit] and [citation needed] are taken out of
    it. A document is refused when a line that is left until then contains a placeholder or `{`, and when the
    lines that are left have fewer than `min_sentences` sentences. (Versions of the paper differ: 5 sentences
    and 3 words here, 3 and 5 in C4's code.) Phrases are in small letters; letter case is ignored. The list of
    bad words is another step's.

    Replaces `text` by the lines that are left, trimmed, and `text_digest`; a refused document keeps its own.
    Adds `c4_lines_kept`, `c4_lines_long_word`, `c4_lines_no_terminal`, `c4_lines_few_words`,
    `c4_lines_script`, `c4_lines_policy` (of a refused document up to the line that decided) and
    `c4_sentences`. Reasons: placeholder, curly_bracket, too_few_sentences, empty (nothing is left).
    """

    name: ClassVar[str] = "c4_quality"
    modules: ClassVar[tuple[str, ...]] = (*WORD_MODULES, "headwater.curate.kernels.clean_lines")
    looser: ClassVar[Mapping[str, Looser]] = {"min_sentences": "lower", "curly_brackets": "lower"}
    terminal_punctuation: bool = True
    citations: bool = True
    min_sentences: Count | None = 5
    min_line_words: Count | None = 3
    max_word_length: Count | None = 1000
    placeholders: tuple[str, ...] = ("lorem ipsum",)
    script_words: tuple[str, ...] = ("javascript",)
    curly_brackets: bool = True
    policy_phrases: tuple[str, ...] = (
        "terms of use",
        "privacy policy",
        "cookie policy",
        "uses cookies",
        "use of cookies",
        "use cookies",
    )

    @field_validator("placeholders", "script_words", "policy_phrases")
    @classmethod
    def _small(cls, phrases: tuple[str, ...]) -> tuple[str, ...]:
        for phrase in phrases:
            if not phrase or phrase != phrase.lower():
                raise ValueError(f"expected phrases in small letters, got {phrase!r}")
        return phrases

    @model_validator(mode="after")
    def _few(self) -> C4Quality:
        if len(self.placeholders) + len(self.script_words) + len(self.policy_phrases) > 64:
            raise ValueError("placeholders, script_words, policy_phrases: expected at most 64 phrases in all")
        return self

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Replaces `text` and `text_digest`, adds the measures and the verdict."""
        from headwater.curate.kernels import clean_lines
        from headwater.curate.kernels.characters import as_strings
        from headwater.curate.measured import hold
        from headwater.curate.measures import measures, split_words

        column = batch.column("text")
        counted = measures(column)
        phrases = clean_lines.Phrases.of(
            {
                clean_lines.PLACEHOLDER: self.placeholders,
                clean_lines.SCRIPT: self.script_words,
                clean_lines.POLICY: self.policy_phrases,
                clean_lines.BRACKET: ("{",) if self.curly_brackets else (),
            }
        )
        clean = clean_lines.clean_lines(
            counted.texts,
            phrases,
            citations=self.citations,
            terminal=self.terminal_punctuation,
            min_words=self.min_line_words,
            max_word=self.max_word_length,
        )
        kept = clean.outcomes[:, clean_lines.KEPT]
        words = split_words(clean.texts, self.words, self.language)
        sentences = clean_lines.sentences(words, kept)
        final = clean_lines.trimmed(clean.texts)
        refused = clean.refused
        rules = (
            Rule(
                "placeholder", (refused == clean_lines.PLACEHOLDER).astype(int), most=0, unit=" placeholders"
            ),
            Rule(
                "curly_bracket", (refused == clean_lines.BRACKET).astype(int), most=0, unit=" curly brackets"
            ),
            Rule("too_few_sentences", sentences, self.min_sentences, unit=" sentences"),
            Rule("empty", final.sizes, 1, unit=" bytes"),
        )
        outcomes = {
            f"c4_lines_{name}": pa.array(clean.outcomes[:, number])
            for number, name in enumerate(clean_lines.LINE_OUTCOMES)
        }
        judged = judge(with_columns(batch, **outcomes, c4_sentences=pa.array(sentences)), rules)
        passed = judged.column(REASON).is_null()
        texts = pc.if_else(passed, as_strings(final).cast(column.type), column)
        changed = pc.not_equal(column, texts)
        hold(counted.rewritten(texts, changed, self.words, self.language, np.diff(words.offsets)))
        digests = digests_after(changed, texts, batch.column("text_digest"))
        return with_columns(judged, text=texts, text_digest=digests)


def digests_after(changed: pa.Array, texts: pa.Array, digests: pa.Array) -> pa.Array:
    """The digests of `texts`, where those that did not change are known."""
    from headwater.curate.kernels.buffers import TextBuffers

    others = TextBuffers.of(texts.filter(changed))
    data = others.data.data
    made = [digest_bytes(data[begin:end]) for begin, end in pairwise(others.offsets.tolist())]
    return pc.replace_with_mask(digests, changed, pa.array(made, digests.type))
