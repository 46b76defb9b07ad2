"""Cutting one document into passages that fit a number of tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from headwater.curate.sentences import Block, blocks, sentences

Count = Callable[[Sequence[str]], list[int]]
"""Texts → tokens of each, with those that the model adds."""

# No tokenizer makes this many characters of prose one token; encoded data, which some make one, is cut.
CHARACTERS_PER_TOKEN = 12
OUTLINE = " > "


@dataclass(frozen=True)
class Passage:
    """Characters [start, end) of a document, the path that leads there, and what is embedded for it."""

    start: int
    end: int
    section: str
    embedded: str
    tokens: int


@dataclass(frozen=True)
class _Sentence:
    start: int
    end: int
    block: int
    tokens: int


@dataclass(frozen=True)
class Cutter:
    """Cuts a text at its sections, then between paragraphs, then between sentences, then anywhere.

    `max_tokens` bounds the tokens of what is embedded: title, section and passage. With
    `overlap_sentences`, a passage begins with as many last sentences of the one before it in its section.
    """

    max_tokens: int
    overlap_sentences: int
    added: int
    count: Count

    def cut(self, text: str, title: str, section: str) -> Iterator[Passage]:
        """The passages of `text` in order; at least one if `text` is not blank."""
        for headings, group in _sections(list(blocks(text))):
            outline = OUTLINE.join(part for part in (section, *_below(title, headings)) if part)
            prefix, room = self._prefix(title, outline)
            found = self._sentences(text, group)
            # The passage that begins with the title itself needs no room for it.
            titled = bool(title) and text.startswith(title, group[0].start)
            for start, end in self._packed(found, self.max_tokens - self.added if titled else room, room):
                yield from self._fitting(text, start, end, title, outline, prefix)

    def _prefix(self, title: str, outline: str) -> tuple[str, int]:
        """What stands before a passage, and the tokens that are left; at least half are for the passage."""
        candidates = ["\n".join(part for part in parts if part) for parts in ((title, outline), (title,))]
        used = [tokens - self.added for tokens in self.count(candidates)]
        room = self.max_tokens - self.added
        for candidate, tokens in zip(candidates, used, strict=True):
            if tokens <= room // 2:
                return candidate, room - tokens
        return "", room

    def _sentences(self, text: str, group: Sequence[Block]) -> list[_Sentence]:
        limit = self.max_tokens * CHARACTERS_PER_TOKEN
        spans = [
            (start, end, index)
            for index, block in enumerate(group)
            for sentence in sentences(text, block.start, block.end)
            for start, end in _parts(text, *sentence, -(-(sentence[1] - sentence[0]) // limit))
        ]
        counts = self.count([text[start:end] for start, end, _ in spans])
        return [
            _Sentence(start, end, index, tokens - self.added)
            for (start, end, index), tokens in zip(spans, counts, strict=True)
        ]

    def _packed(
        self, found: Sequence[_Sentence], first_room: int, later_room: int
    ) -> Iterator[tuple[int, int]]:
        first = 0
        while first < len(found):
            room = later_room if first else first_room
            last, tokens = first + 1, found[first].tokens
            while last < len(found) and tokens + found[last].tokens <= room:
                tokens += found[last].tokens
                last += 1
            if last < len(found):
                last = _at_paragraph(found, first, last, room)
            yield found[first].start, found[last - 1].end
            if last == len(found):
                return
            first = self._overlapped(found, first, last, later_room)

    def _overlapped(self, found: Sequence[_Sentence], first: int, last: int, room: int) -> int:
        """Where the next passage begins: never at the first sentence of this one, so that it moves on."""
        start = max(first + 1, last - self.overlap_sentences)
        repeated = sum(sentence.tokens for sentence in found[start:last])
        return start if repeated + found[last].tokens <= room else last

    def _fitting(
        self, text: str, start: int, end: int, title: str, outline: str, prefix: str
    ) -> Iterator[Passage]:
        """The passage, or equal parts of it as long as it has too many tokens."""
        passage = text[start:end]
        begins_with_title = bool(title) and passage.startswith(title)
        embedded = passage if begins_with_title or not prefix else f"{prefix}\n{passage}"
        (tokens,) = self.count([embedded])
        if tokens <= self.max_tokens or end - start == 1:
            yield Passage(start, end, outline, embedded, tokens)
            return
        for part in _parts(text, start, end, 2):
            yield from self._fitting(text, *part, title, outline, prefix)


def _below(title: str, headings: tuple[str, ...]) -> tuple[str, ...]:
    """The headings without the first if it only repeats the title."""
    return headings[1:] if headings and headings[0] == title else headings


def _sections(found: Sequence[Block]) -> Iterator[tuple[tuple[str, ...], list[Block]]]:
    group: list[Block] = []
    for block in found:
        if group and group[-1].headings != block.headings:
            yield group[-1].headings, group
            group = []
        group.append(block)
    if group:
        yield group[-1].headings, group


def _at_paragraph(found: Sequence[_Sentence], first: int, last: int, room: int) -> int:
    """The last cut between paragraphs that leaves at least half of the room used, else `last`."""
    tokens = sum(sentence.tokens for sentence in found[first:last])
    for cut in range(last, first, -1):
        if tokens < room // 2:
            break
        if found[cut].block != found[cut - 1].block:
            return cut
        tokens -= found[cut - 1].tokens
    return last


def _parts(text: str, start: int, end: int, count: int) -> Iterator[tuple[int, int]]:
    """About `count` parts of equal length, cut at whitespace where there is some in the last quarter."""
    size = max(1, -(-(end - start) // count))
    while end - start > size:
        cut = start + size
        least = cut - size // 4
        space = max(text.rfind(" ", least, cut + 1), text.rfind("\n", least, cut + 1))
        cut = space if space > start else cut
        yield start, cut
        start = cut
        while start < end and text[start].isspace():
            start += 1
    if start < end:
        yield start, end
