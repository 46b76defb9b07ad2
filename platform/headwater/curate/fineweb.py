"""The quality rules that FineWeb added to those of Gopher and C4."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import pyarrow as pa

from headwater.curate.gopher import Count, Length, Share
from headwater.curate.rules import Rule, judge, ratio
from headwater.curate.step import Looser, with_columns
from headwater.curate.word_settings import WORD_MODULES, WordSettings


class FineWebQuality(WordSettings):
    """Refuses documents that are lists or repeat their lines. Null switches a rule off.

    Penedo et al., "The FineWeb Datasets" (2024, arXiv 2406.17557), section 3.6, "Developing additional
    heuristic filters", read as datatrove's FineWebQualityFilter reads it and with its limits: lines that end
    with terminal punctuation of any script, characters of lines that stood before (the paper prints 0.1
    where the code that made the data has 0.01), lines of at most `short_line` characters, and newlines for
    each word. Blank lines do not count as lines. `ignore_unpunctuated` passes documents none of whose lines
    ends with punctuation, as scripts without such marks need.

    Adds `fineweb_terminal_share`, `fineweb_short_share`, `fineweb_duplicate_character_share`,
    `fineweb_newline_ratio`. Reasons: empty, unpunctuated_lines, short_lines, duplicate_characters, list.
    """

    name: ClassVar[str] = "fineweb_quality"
    modules: ClassVar[tuple[str, ...]] = WORD_MODULES
    looser: ClassVar[Mapping[str, Looser]] = {
        "min_terminal_share": "lower",
        "max_short_share": "higher",
        "max_duplicate_character_share": "higher",
        "max_newline_ratio": "higher",
    }
    min_terminal_share: Share | None = 0.12
    ignore_unpunctuated: bool = False
    max_short_share: Share | None = 0.67
    short_line: Count = 30
    max_duplicate_character_share: Share | None = 0.01
    max_newline_ratio: Length | None = 0.3

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Adds the measures and the verdict."""
        from headwater.curate.measures import measures

        counted = measures(batch.column("text"))
        lines = counted.lines(self.short_line)
        filled = lines["filled_lines"]
        terminal = ratio(lines["terminal_lines"], filled)
        short = ratio(lines["short_lines"], filled)
        duplicate = ratio(lines["duplicate_filled_characters"], lines["characters"] - lines["newlines"])
        words = counted.word_totals(self.words, self.language)
        newlines = ratio(lines["newlines"], words)
        judged = terminal > 0 if self.ignore_unpunctuated else None
        rules = (
            Rule("empty", filled, 1, unit=" lines with text"),
            Rule("unpunctuated_lines", terminal, self.min_terminal_share, None, "%", judged),
            Rule("short_lines", short, most=self.max_short_share, unit="%"),
            Rule("duplicate_characters", duplicate, most=self.max_duplicate_character_share, unit="%"),
            Rule("list", newlines, most=self.max_newline_ratio, unit=" newlines for each word"),
        )
        measured = with_columns(
            batch,
            fineweb_terminal_share=pa.array(terminal),
            fineweb_short_share=pa.array(short),
            fineweb_duplicate_character_share=pa.array(duplicate),
            fineweb_newline_ratio=pa.array(newlines),
        )
        return judge(measured, rules)
