"""What the quality steps count in a batch, counted once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa

from headwater.curate.kernels.buffers import Offsets, TextBuffers
from headwater.curate.kernels.counters import Counters
from headwater.curate.kernels.lines import line_counters
from headwater.curate.kernels.word_counters import listed_counter, word_counters
from headwater.curate.kernels.words import Words, split
from headwater.curate.measured import Rows, held, hold
from headwater.curate.spacy_words import spacy_words
from headwater.curate.word_settings import WordRule

Rule = tuple[WordRule, str]
"""A rule of splitting, and the language if it matters."""


def split_words(texts: TextBuffers, rule: WordRule, language: str) -> Words:
    """The words of texts by one of the two rules; `language` matters to spaCy alone."""
    return spacy_words(language).split(texts) if rule == "spacy" else split(texts)


def _rule(rule: WordRule, language: str) -> Rule:
    return rule, language if rule == "spacy" else ""


class Measures:
    """Counts of one text column, each made when it is first asked for.

    `rows` says which document of `before` each document equals, -1 for those with another text: what was
    counted there is not counted again. `totals` are the numbers of words where they are known, else -1.
    """

    def __init__(
        self,
        column: pa.Array,
        before: Measures | None = None,
        rows: Rows | None = None,
        totals: Mapping[Rule, Offsets] | None = None,
    ) -> None:
        self.column = column
        self.texts = TextBuffers.of(column)
        self._before = before
        self._rows: Rows = np.full(len(column), -1, dtype=np.int64) if rows is None else rows
        self._totals = dict(totals or {})
        self._words: dict[Rule, Words] = {}
        self._word_counts: dict[Rule, Counters] = {}
        self._listed: dict[tuple[Rule, tuple[str, ...]], Offsets] = {}
        self._lines: dict[int, Counters] = {}

    def chosen(self, column: pa.Array, rows: Rows) -> Measures:
        """The measures of these documents, which `column` holds."""
        totals = {rule: known[rows] for rule, known in self._totals.items()}
        if self._before is None or self._words or self._word_counts or self._lines:
            return Measures(column, self, rows, totals)
        return Measures(column, self._before, self._rows[rows], totals)

    def rewritten(
        self, column: pa.Array, changed: pa.Array, rule: WordRule, language: str, words: Offsets
    ) -> Measures:
        """The measures of `column`, where the `changed` documents have another text and so many words."""
        other = changed.to_numpy(zero_copy_only=False)
        rows = np.where(other, -1, np.arange(len(column)))
        return Measures(column, self, rows, {_rule(rule, language): np.where(other, words, -1)})

    def words(self, rule: WordRule, language: str) -> Words:
        """See `split_words`."""
        wanted = _rule(rule, language)
        if wanted not in self._words:
            self._words[wanted] = split_words(self.texts, rule, language)
        return self._words[wanted]

    def word_counts(self, rule: WordRule, language: str) -> Counters:
        """WORD_COUNTS."""
        wanted = _rule(rule, language)
        if wanted not in self._word_counts:
            before = self._before
            if before is not None and wanted not in self._words and before.has_words(wanted):
                known = before.word_counts(rule, language)
                self._word_counts[wanted] = self._counted(
                    known, lambda texts: word_counters(split_words(texts, rule, language))
                )
            else:
                self._word_counts[wanted] = word_counters(self.words(rule, language))
        return self._word_counts[wanted]

    def word_totals(self, rule: WordRule, language: str) -> Offsets:
        """The number of words of each document."""
        wanted = _rule(rule, language)
        totals = self._totals.get(wanted)
        if totals is None or wanted in self._word_counts:
            return self.word_counts(rule, language)["words"]
        if (totals >= 0).all():
            return totals
        before = self._before
        if before is not None and before.has_words(wanted) and (self._rows[totals < 0] >= 0).all():
            return np.where(totals < 0, before.word_totals(rule, language)[self._rows], totals)
        return self.word_counts(rule, language)["words"]

    def listed(self, rule: WordRule, language: str, listed: tuple[str, ...]) -> Offsets:
        """How many of these words each document has."""
        wanted = (_rule(rule, language), listed)
        if wanted not in self._listed:
            before = self._before
            if before is not None and before.has_words(wanted[0]) and (self._rows >= 0).all():
                self._listed[wanted] = before.listed(rule, language, listed)[self._rows]
            else:
                self._listed[wanted] = listed_counter(self.words(rule, language), listed)
        return self._listed[wanted]

    def lines(self, short: int) -> Counters:
        """LINE_COUNTS, where a line of at most `short` characters is short."""
        if short not in self._lines:
            before = self._before
            if before is not None and before.has_lines(short):
                self._lines[short] = self._counted(
                    before.lines(short), lambda texts: line_counters(texts, short)
                )
            else:
                self._lines[short] = line_counters(self.texts, short)
        return self._lines[short]

    def has_words(self, rule: Rule) -> bool:
        """Whether the words, or those of the documents before, are split or counted."""
        own = rule in self._words or rule in self._word_counts
        return own or (self._before is not None and self._before.has_words(rule))

    def has_lines(self, short: int) -> bool:
        """Whether the lines, or those of the documents before, are counted."""
        return short in self._lines or (self._before is not None and self._before.has_lines(short))

    def _counted(self, before: Counters, count: Callable[[TextBuffers], Counters]) -> Counters:
        """What is known, and what is counted now of documents with another text."""
        table, new = before.table[self._rows], self._rows < 0
        if new.any():
            table[new] = count(TextBuffers.of(self.column.filter(pa.array(new)))).table
        return Counters(before.names, table)


def measures(column: pa.Array) -> Measures:
    """The measures of a text column: those that are held, else new ones, held from now on."""
    last = held(column)
    if not isinstance(last, Measures):
        last = Measures(column)
        hold(last)
    return last
