"""What the quality steps count in a batch, counted once for all of them."""

from __future__ import annotations

import threading

import pyarrow as pa

from headwater.curate.kernels.buffers import Offsets, TextBuffers
from headwater.curate.kernels.counters import Counters
from headwater.curate.kernels.lines import line_counters
from headwater.curate.kernels.word_counters import listed_counter, word_counters
from headwater.curate.kernels.words import Words, split
from headwater.curate.spacy_words import spacy_words
from headwater.curate.word_settings import WordRule


def split_words(texts: TextBuffers, rule: WordRule, language: str) -> Words:
    """The words of texts by one of the two rules; `language` matters to spaCy alone."""
    return spacy_words(language).split(texts) if rule == "spacy" else split(texts)


class Measures:
    """Counts of one text column, each made when it is first asked for."""

    def __init__(self, column: pa.Array) -> None:
        self.column = column
        self.texts = TextBuffers.of(column)
        self._words: dict[tuple[WordRule, str], Words] = {}
        self._lines: dict[int, Counters] = {}

    def words(self, rule: WordRule, language: str) -> Words:
        """See `split_words`."""
        wanted = (rule, language if rule == "spacy" else "")
        if wanted not in self._words:
            self._words[wanted] = split_words(self.texts, rule, language)
        return self._words[wanted]

    def word_counts(self, rule: WordRule, language: str) -> Counters:
        """WORD_COUNTS."""
        return word_counters(self.words(rule, language))

    def listed(self, rule: WordRule, language: str, listed: tuple[str, ...]) -> Offsets:
        """How many of these words each document has."""
        return listed_counter(self.words(rule, language), listed)

    def lines(self, short: int) -> Counters:
        """LINE_COUNTS, where a line of at most `short` characters is short."""
        if short not in self._lines:
            self._lines[short] = line_counters(self.texts, short)
        return self._lines[short]


class _Held(threading.local):
    measures: Measures | None = None


_held = _Held()


def measures(column: pa.Array) -> Measures:
    """The measures of a text column: those of the last call in this thread if it was of the same memory.

    They hold on to the column, so its memory cannot become another column's; Arrow's memory never changes.
    """
    last = _held.measures
    if last is None or _memory(last.column) != _memory(column):
        last = _held.measures = Measures(column)
    return last


def _memory(column: pa.Array) -> tuple[int, ...]:
    buffers = [buffer.address if buffer is not None else 0 for buffer in column.buffers()]
    return (column.offset, len(column), *buffers)
