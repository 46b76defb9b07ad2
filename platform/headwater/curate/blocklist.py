"""Documents that come from blocked places or hold blocked words."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property, lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Self
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from headwater.curate.step import Looser, StepSettings, Verdict, with_verdicts
from headwater.fingerprint import digest_json

if TYPE_CHECKING:
    import polars as pl

SHOWN_WORDS = 5
MORE_COUNTED = 1_000
"""Words that are counted beyond the limit; a text of nothing else is not worth more."""
PIECE = 1 << 18
"""Characters searched at once."""
# First and last code point of scripts that write no spaces between words (Unicode, chapters 16 and 18).
_UNSPACED = (
    ("\u0e00", "\u0eff"),  # Thai, Lao
    ("\u0f00", "\u0fff"),  # Tibetan
    ("\u1000", "\u109f"),  # Myanmar
    ("\u1780", "\u17ff"),  # Khmer
    ("\u3040", "\u30ff"),  # Hiragana, Katakana
    ("\u3400", "\u9fff"),  # Han
    ("\uf900", "\ufaff"),
    ("\U00020000", "\U0003ffff"),
)


class Blocklist(StepSettings):
    """Refuses documents by where they come from (`blocked_url`) and what words they hold (`blocked_word`).

    `urls` are hosts, which block what is below them too, or hosts with the beginning of a path; the longest
    that fits is reported. Looked at are a document's uri, where it is a link, and the attributes named in
    `url_attributes`. `words` are words or phrases, found whatever their case and only as whole words: no
    letter, digit or mark may touch them, but for scripts that write no spaces, as Chinese or Thai. A document
    with more than `max_words` occurrences is refused; 0 is the rule of C4 (Raffel et al., 2020), which drops
    every page with a word of its list.

    `url_files` and `word_files` hold one entry a line; empty lines and what follows a # count for nothing. No
    list is shipped. Raises `ValueError` for a file that cannot be read.
    """

    name: ClassVar[str] = "blocklist"
    libraries: ClassVar[tuple[str, ...]] = ("polars",)
    looser: ClassVar[Mapping[str, Looser]] = {"max_words": "higher"}
    urls: tuple[str, ...] = ()
    url_files: tuple[Path, ...] = ()
    url_attributes: tuple[str, ...] = ("url",)
    words: tuple[str, ...] = ()
    word_files: tuple[Path, ...] = ()
    max_words: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _has_lists(self) -> Self:
        if not self.rules and not self.patterns:
            raise ValueError("urls, url_files, words and word_files are empty: expected at least one entry")
        return self

    @cached_property
    def rules(self) -> dict[str, tuple[str, ...]]:
        """Blocked paths of each blocked host, the longest first; the path `/` is the whole host."""
        entries = (*self.urls, *_lines("url_files", self.url_files))
        paths: dict[str, set[str]] = {}
        for entry in entries:
            host, path = _host_and_path(entry)
            if not host:
                raise ValueError(f"urls: {entry!r} has no host; expected example.com or example.com/path")
            paths.setdefault(host, set()).add(path)
        return {
            host: tuple(sorted(found, key=lambda path: (-len(path), path))) for host, found in paths.items()
        }

    @cached_property
    def patterns(self) -> tuple[str, ...]:
        """The words as they are searched for, in alphabetical order."""
        entries = (*self.words, *_lines("word_files", self.word_files))
        return tuple(sorted({fold(entry.strip()) for entry in entries if entry.strip()}))

    def _digest(self, exclude: tuple[str, ...]) -> str:
        # The entries count, not in which files they stand.
        lists = ("urls", "url_files", "words", "word_files")
        return digest_json([super()._digest((*exclude, *lists)), self.rules, self.patterns])

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Adds the verdict."""
        verdicts: list[Verdict | None] = [None] * batch.num_rows
        if self.patterns:
            for row, verdict in self._words(batch.column("text")):
                verdicts[row] = verdict
        if self.rules:
            for row, verdict in self._urls(batch):
                verdicts[row] = verdict
        return with_verdicts(batch, verdicts)

    def _urls(self, batch: pa.RecordBatch) -> Iterator[tuple[int, Verdict]]:
        uris = batch.column("uri")
        for row in _rows_with(uris, "://"):
            yield from self._url(row, uris[row].as_py())
        attributes = batch.column("attributes")
        for name in self.url_attributes:
            for row in _rows_with(attributes, json.dumps(name, ensure_ascii=False)):
                yield from self._url(row, json.loads(attributes[row].as_py()).get(name, ""))

    def _url(self, row: int, url: str) -> Iterator[tuple[int, Verdict]]:
        rule = self.rule_for(url)
        if rule is not None:
            yield row, Verdict("blocked_url", f"1 address under {rule}; allowed 0")

    def rule_for(self, url: str) -> str | None:
        """The longest entry that blocks this address, if any does."""
        host, path = _host_and_path(url)
        labels = host.split(".")
        for start in range(len(labels)):
            above = ".".join(labels[start:])
            for blocked in self.rules.get(above, ()):
                if path == blocked or path.startswith(blocked.rstrip("/") + "/"):
                    return above + blocked.rstrip("/")
        return None

    def _words(self, texts: pa.Array) -> Iterator[tuple[int, Verdict]]:
        import polars as pl

        folded = _folded(pl.Series(texts))
        rows = folded.str.contains_any(list(self.patterns)).arg_true()
        for row, text in zip(rows.to_list(), folded.gather(rows), strict=True):
            most = self.max_words + MORE_COUNTED
            held = _whole_words(_present(text, self.patterns))
            counts = Counter(found.group() for found in islice(held.finditer(text), most))
            if counts.total() > self.max_words:
                yield row, Verdict("blocked_word", self._detail(counts, counts.total() == most))

    def _detail(self, counts: Counter[str], stopped: bool) -> str:
        shown = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:SHOWN_WORDS]
        words = ", ".join(f"{word} x{count}" for word, count in shown)
        more = " or more" if stopped else ""
        return f"{counts.total()}{more} blocked words; allowed {self.max_words}: {words}"


def fold(text: str) -> str:
    """`text` in small letters, with ss for ß and one form of sigma."""
    return text.lower().replace("ß", "ss").replace("ς", "σ")


def _folded(texts: pl.Series) -> pl.Series:
    lower = texts.str.to_lowercase()
    if lower.str.contains_any(["ß", "ς"]).any():
        lower = lower.str.replace_many(["ß", "ς"], ["ss", "σ"])
    return lower


def _present(text: str, patterns: Sequence[str]) -> tuple[str, ...]:
    """The patterns that occur anywhere in the text, the longest first; searched in pieces to bound memory."""
    import polars as pl

    margin = max(map(len, patterns))
    pieces = pl.Series([text[begin : begin + PIECE + margin] for begin in range(0, len(text), PIECE)])
    found = {
        pattern
        for piece in pieces
        for pattern in pl.Series([piece])
        .str.extract_many(list(patterns), overlapping=True)
        .explode()
        .unique()
    }
    return tuple(sorted(found, key=lambda pattern: (-len(pattern), pattern)))


@lru_cache(maxsize=256)
def _whole_words(words: tuple[str, ...]) -> re.Pattern[str]:
    """The first of these words, in this order, that no letter, digit or mark of a spaced script touches."""
    unspaced = "".join(f"{first}-{last}" for first, last in _UNSPACED)
    touching = rf"[^\W{unspaced}]|[{_marks()}]"
    alternatives = (
        (rf"(?<!{touching})" if _needs_edge(word[0]) else "")
        + re.escape(word)
        + (rf"(?!{touching})" if _needs_edge(word[-1]) else "")
        for word in words
    )
    return re.compile("|".join(alternatives))


def _needs_edge(character: str) -> bool:
    in_word = character.isalnum() or unicodedata.category(character).startswith("M")
    return in_word and not any(first <= character <= last for first, last in _UNSPACED)


@cache
def _marks() -> str:
    """Marks that belong to the letter before them, as members of a character class."""
    marks = (chr(point) for point in range(0x300, 0x2000))
    return "".join(mark for mark in marks if unicodedata.category(mark).startswith("M"))


def _rows_with(column: pa.Array, part: str) -> list[int]:
    return pc.call_function(
        "indices_nonzero", [pc.call_function("match_substring", [column], pc.MatchSubstringOptions(part))]
    ).to_pylist()


def _host_and_path(address: str) -> tuple[str, str]:
    """Host and path of an address with or without a scheme, in small letters; the path begins with `/`."""
    written = address.strip()
    if "://" not in written:
        written = f"//{written.removeprefix('//')}"
    try:
        parts = urlsplit(written.lower())
        host = parts.hostname or ""
    except ValueError:
        return "", "/"
    return host.rstrip(".").removeprefix("www."), parts.path or "/"


def _lines(field: str, files: Iterable[Path]) -> Iterator[str]:
    for path in files:
        try:
            content = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"{field}: {path} cannot be read as UTF-8 text: {error}") from error
        for line in content.splitlines():
            entry = line.partition("#")[0].strip()
            if entry:
                yield entry
