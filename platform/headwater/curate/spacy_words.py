"""The words that spaCy's rules make, without making them again for each document.

The rules of a blank spaCy pipeline look at one piece of text between white space at a time. So each distinct
piece is tokenized once, and what its words hash to is kept; the documents are put together from that.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Any

import numpy as np

from headwater.curate.kernels.buffers import TextBuffers
from headwater.curate.kernels.characters import (
    ALPHA,
    SYMBOL,
    Classes,
    character_classes,
    frozen,
)
from headwater.curate.kernels.chunks import UNKNOWN, find_chunks, gather, look_up, store
from headwater.curate.kernels.words import (
    ALPHABETIC,
    MEANS,
    PUNCTUATED,
    TERMINATOR,
    Words,
    hash_words,
)

MOST_CHUNKS = 1_000_000
"""Pieces that are remembered, about 300 bytes each; then the memory starts anew."""


class SpacyWords:
    """Splits texts as `spacy.blank(language)` does, less the white space that it takes for words.

    Raises `ModuleNotFoundError`, which names the extra, where spaCy is not installed.
    """

    def __init__(self, language: str) -> None:
        try:
            import spacy  # pyright: ignore[reportMissingImports]
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                "words: spacy needs spaCy: install the extra `parity` (pip install 'headwater[parity]')"
            ) from error
        self._pipeline: Any = spacy.blank(language)
        self._tokenizer: Any = self._pipeline.tokenizer
        self._sentence_ends: frozenset[str] = frozenset(self._pipeline.add_pipe("sentencizer").punct_chars)
        self._exceptions: frozenset[str] = frozenset(self._tokenizer.rules)
        self._forget()

    def split(self, texts: TextBuffers) -> Words:
        """The words of every document."""
        classes = character_classes()
        data = frozen(texts.data)
        # Between two pieces stands white space.
        room = int(texts.offsets[-1] - texts.offsets[0]) // 2 + len(texts) + 1
        bounds = np.zeros(len(texts) + 1, dtype=np.int64)
        hashes, layouts = np.empty(room, dtype=np.uint64), np.empty(room, dtype=np.uint8)
        begins, ends = np.empty(room, dtype=np.int64), np.empty(room, dtype=np.int64)
        count = find_chunks(data, frozen(texts.offsets), classes, bounds, hashes, begins, ends, layouts)
        hashes = hashes[:count]
        numbers = np.empty(count, dtype=np.int64)
        if len(self._known) > MOST_CHUNKS:
            self._forget()
        if look_up(hashes, self._table, self._values, numbers):
            self._learn(data, hashes, begins, ends, np.flatnonzero(numbers == UNKNOWN), classes)
            look_up(hashes, self._table, self._values, numbers)
        total = int((self._known[numbers + 1] - self._known[numbers]).sum())
        words = Words.empty(len(texts), total)
        gather(
            bounds,
            numbers,
            layouts,
            self._known,
            self._hashes,
            self._sizes,
            self._lengths,
            self._flags,
            words.offsets,
            words.hashes,
            words.sizes,
            words.lengths,
            words.flags,
        )
        return words

    def _forget(self) -> None:
        self._seen: dict[str, tuple[int, int, int, int]] = {}
        self._table = np.zeros(1 << 16, dtype=np.uint64)
        self._values = np.zeros(1 << 16, dtype=np.int64)
        self._known = np.zeros(1, dtype=np.int64)
        self._pieces = np.empty(0, dtype=np.uint64)
        self._hashes = np.empty(0, dtype=np.uint64)
        self._sizes = np.empty(0, dtype=np.int32)
        self._lengths = np.empty(0, dtype=np.int32)
        self._flags = np.empty(0, dtype=np.uint8)

    def _learn(self, data: Any, hashes: Any, begins: Any, ends: Any, missing: Any, classes: Classes) -> None:
        """Tokenize the missing pieces and remember their words."""
        new, places = np.unique(hashes[missing], return_index=True)
        facts: list[tuple[int, int, int, int]] = []
        counts: list[int] = []
        # What spaCy itself remembers goes with the zone.
        with self._pipeline.memory_zone():
            for place in missing[places].tolist():
                words = self._tokens(bytes(data[begins[place] : ends[place]]).decode())
                counts.append(len(words))
                for word in words:
                    if word not in self._seen:
                        self._seen[word] = self._facts(word, classes)
                    facts.append(self._seen[word])
        hashed, sizes, lengths, flags = zip(*facts, strict=True) if facts else ((), (), (), ())
        self._known = np.concatenate([self._known, self._known[-1] + np.cumsum(counts)])
        self._hashes = np.concatenate([self._hashes, np.array(hashed, dtype=np.uint64)])
        self._sizes = np.concatenate([self._sizes, np.array(sizes, dtype=np.int32)])
        self._lengths = np.concatenate([self._lengths, np.array(lengths, dtype=np.int32)])
        self._flags = np.concatenate([self._flags, np.array(flags, dtype=np.uint8)])
        before = len(self._pieces)
        self._pieces = np.concatenate([self._pieces, new])
        if 2 * len(self._pieces) > len(self._table):
            size = 1 << int(4 * len(self._pieces)).bit_length()
            self._table = np.zeros(size, dtype=np.uint64)
            self._values = np.zeros(size, dtype=np.int64)
            before = 0
        store(self._pieces[before:], before, self._table, self._values)

    def _tokens(self, piece: str) -> list[str]:
        # No rule but an exception splits Latin letters.
        if piece.isascii() and piece.isalpha() and piece not in self._exceptions:
            return [piece]
        return [token.text for token in self._tokenizer(piece)]

    def _facts(self, word: str, classes: Classes) -> tuple[int, int, int, int]:
        encoded = word.encode()
        kinds = [int(classes[ord(character)]) for character in word]
        flags = 0
        if any(not kind & SYMBOL for kind in kinds):
            flags |= MEANS
        if any(kind & ALPHA for kind in kinds):
            flags |= ALPHABETIC
        if all(unicodedata.category(character)[0] == "P" for character in word):
            flags |= PUNCTUATED
        if word in self._sentence_ends:
            flags |= TERMINATOR
        return int(hash_words([word])[0]), len(encoded), len(word), flags


@lru_cache(maxsize=8)
def spacy_words(language: str) -> SpacyWords:
    """One splitter for each language and process: it remembers what it has split."""
    return SpacyWords(language)
