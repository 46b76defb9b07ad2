"""The quality and repetition rules of Gopher."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

import pyarrow as pa
from pydantic import Field

from headwater.curate.rules import Rule, judge, ratio
from headwater.curate.step import Looser, with_columns
from headwater.curate.word_settings import WORD_MODULES, WordSettings

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Count = Annotated[int, Field(ge=0)]
Length = Annotated[float, Field(ge=0.0)]
RunSize = Annotated[int, Field(ge=2, le=100)]
# Any: only the counts of lines that do not depend on it are read here.
SHORT_LINE = 30


class GopherQuality(WordSettings):
    """Refuses documents by Gopher's quality rules. Null switches a rule off.

    Rae et al., "Scaling Language Models" (2021, arXiv 2112.11446), appendix A1.1, "Quality Filtering", read
    as datatrove's GopherQualityFilter reads it: words that are symbols alone do not count for the number of
    words nor for their mean length, but do count where a share of all words is taken; `#` and ellipses have
    the limit each; a bullet is `-` or `•`; stop words are counted once each and in small letters.

    Adds `gopher_words`, `gopher_mean_word_length`, `gopher_hash_ratio`, `gopher_ellipsis_ratio`,
    `gopher_bullet_share`, `gopher_ellipsis_share`, `gopher_alphabetic_share`, `gopher_stop_words`. Reasons:
    too_short, too_long, short_words, long_words, hashes, ellipses, bullets, ellipsis_lines,
    not_alphabetic, stop_words.
    """

    name: ClassVar[str] = "gopher_quality"
    modules: ClassVar[tuple[str, ...]] = WORD_MODULES
    looser: ClassVar[Mapping[str, Looser]] = {
        "min_words": "lower",
        "max_words": "higher",
        "min_mean_word_length": "lower",
        "max_mean_word_length": "higher",
        "max_symbol_ratio": "higher",
        "max_bullet_share": "higher",
        "max_ellipsis_share": "higher",
        "min_alphabetic_share": "lower",
        "min_stop_words": "lower",
    }
    min_words: Count | None = 50
    max_words: Count | None = 100_000
    min_mean_word_length: Length | None = 3.0
    max_mean_word_length: Length | None = 10.0
    max_symbol_ratio: Length | None = 0.1
    max_bullet_share: Share | None = 0.9
    max_ellipsis_share: Share | None = 0.3
    min_alphabetic_share: Share | None = 0.8
    min_stop_words: Count | None = 2
    stop_words: Annotated[tuple[str, ...], Field(max_length=64)] = (
        "the",
        "be",
        "to",
        "of",
        "and",
        "that",
        "have",
        "with",
    )

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Adds the measures and the verdict."""
        from headwater.curate.measures import measures

        counted = measures(batch.column("text"))
        lines = counted.lines(SHORT_LINE)
        words = counted.word_counts(self.words, self.language)
        number, total = words["meaning_words"], words["words"]
        mean = ratio(words["meaning_characters"], number)
        hashes, ellipses = ratio(lines["hashes"], total), ratio(lines["ellipses"], total)
        bullets = ratio(lines["bullet_lines"], lines["lines"])
        broken_off = ratio(lines["ellipsis_lines"], lines["lines"])
        alphabetic = ratio(words["alphabetic_words"], total)
        found = counted.listed(self.words, self.language, self.stop_words)
        rules = (
            Rule("too_short", number, self.min_words, unit=" words"),
            Rule("too_long", number, most=self.max_words, unit=" words"),
            Rule("short_words", mean, self.min_mean_word_length, None, " characters in the mean", number > 0),
            Rule("long_words", mean, None, self.max_mean_word_length, " characters in the mean", number > 0),
            Rule("hashes", hashes, most=self.max_symbol_ratio, unit=" # for each word"),
            Rule("ellipses", ellipses, most=self.max_symbol_ratio, unit=" ellipses for each word"),
            Rule("bullets", bullets, most=self.max_bullet_share, unit="%"),
            Rule("ellipsis_lines", broken_off, most=self.max_ellipsis_share, unit="%"),
            Rule("not_alphabetic", alphabetic, self.min_alphabetic_share, None, "%", total > 0),
            Rule("stop_words", found, self.min_stop_words, unit=" different stop words"),
        )
        measured = with_columns(
            batch,
            gopher_words=pa.array(number),
            gopher_mean_word_length=pa.array(mean),
            gopher_hash_ratio=pa.array(hashes),
            gopher_ellipsis_ratio=pa.array(ellipses),
            gopher_bullet_share=pa.array(bullets),
            gopher_ellipsis_share=pa.array(broken_off),
            gopher_alphabetic_share=pa.array(alphabetic),
            gopher_stop_words=pa.array(found),
        )
        return judge(measured, rules)


class GopherRepetition(WordSettings):
    """Refuses documents that repeat themselves. Null, or a size that is not listed, switches a rule off.

    Rae et al. (2021, arXiv 2112.11446), appendix A1.1, "Repetition Removal", table A1, read as datatrove's
    GopherRepetitionFilter reads it: shares of characters are of all characters of the document, white space
    included; the most frequent run of n words counts with all its occurrences, overlapping ones too.
    `top_runs` and `duplicate_runs` give the limits by number of words.

    Adds `duplicate_paragraph_share`, `duplicate_paragraph_character_share`, `duplicate_line_share`,
    `duplicate_line_character_share`, and for each size n `top_<n>_gram_share` and `duplicate_<n>_gram_share`.
    Reasons: empty, duplicate_paragraphs, duplicate_paragraph_characters, duplicate_lines,
    duplicate_line_characters, top_<n>_gram, duplicate_<n>_gram.
    """

    name: ClassVar[str] = "gopher_repetition"
    modules: ClassVar[tuple[str, ...]] = (*WORD_MODULES, "headwater.curate.kernels.repetition")
    looser: ClassVar[Mapping[str, Looser]] = {
        "max_duplicate_paragraph_share": "higher",
        "max_duplicate_paragraph_character_share": "higher",
        "max_duplicate_line_share": "higher",
        "max_duplicate_line_character_share": "higher",
    }
    max_duplicate_paragraph_share: Share | None = 0.3
    max_duplicate_paragraph_character_share: Share | None = 0.2
    max_duplicate_line_share: Share | None = 0.3
    max_duplicate_line_character_share: Share | None = 0.2
    top_runs: dict[RunSize, Length | None] = Field(default={2: 0.2, 3: 0.18, 4: 0.16})
    duplicate_runs: dict[RunSize, Share | None] = Field(
        default={5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10}
    )

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Adds the measures and the verdict."""
        from headwater.curate.kernels.repetition import paragraph_counters, repetition
        from headwater.curate.measures import measures

        counted = measures(batch.column("text"))
        lines = counted.lines(SHORT_LINE)
        paragraphs = paragraph_counters(counted.texts)
        characters = lines["characters"]
        tops, duplicates = sorted(self.top_runs), sorted(self.duplicate_runs)
        runs = repetition(
            counted.texts, counted.words(self.words, self.language), tuple(tops), tuple(duplicates)
        )
        rules = [
            Rule("empty", characters, 1, unit=" characters"),
            Rule(
                "duplicate_paragraphs",
                ratio(paragraphs["duplicate_paragraphs"], paragraphs["paragraphs"]),
                None,
                self.max_duplicate_paragraph_share,
                "%",
            ),
            Rule(
                "duplicate_paragraph_characters",
                ratio(paragraphs["duplicate_paragraph_characters"], characters),
                None,
                self.max_duplicate_paragraph_character_share,
                "%",
            ),
            Rule(
                "duplicate_lines",
                ratio(lines["duplicate_lines"], lines["split_lines"]),
                None,
                self.max_duplicate_line_share,
                "%",
            ),
            Rule(
                "duplicate_line_characters",
                ratio(lines["duplicate_line_characters"], characters),
                None,
                self.max_duplicate_line_character_share,
                "%",
            ),
        ]
        limits = [(f"top_{size}_gram", self.top_runs[size]) for size in tops]
        limits += [(f"duplicate_{size}_gram", self.duplicate_runs[size]) for size in duplicates]
        for column, (reason, limit) in enumerate(limits):
            rules.append(Rule(reason, ratio(runs[:, column], characters), most=limit, unit="%"))
        columns = {_column(rule.reason): pa.array(rule.values) for rule in rules[1:]}
        return judge(with_columns(batch, **columns), rules)


def _column(reason: str) -> str:
    singular = {
        "duplicate_paragraphs": "duplicate_paragraph",
        "duplicate_lines": "duplicate_line",
        "duplicate_paragraph_characters": "duplicate_paragraph_character",
        "duplicate_line_characters": "duplicate_line_character",
    }
    return f"{singular.get(reason, reason)}_share"
