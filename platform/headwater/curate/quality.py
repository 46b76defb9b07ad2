"""Quality rules: simple measures of a text against thresholds."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, ClassVar

import pyarrow as pa
from pydantic import Field

from headwater.curate.step import StepSettings, Verdict, strings, with_columns, with_verdicts
from headwater.curate.words import is_prose, words

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Count = Annotated[int, Field(ge=0)]
_ELLIPSIS = ("...", "…")
_BULLETS = ("- ", "* ", "• ", "‣ ", "+ ")
_SYMBOLS = re.compile(r"#|…|\.\.\.")
_ALPHABETIC = re.compile(r"[^\W\d_]")


class Quality(StepSettings):
    """Refuses documents that a measure shows to be something else than text. Null switches a rule off.

    The measures are those of Gopher (Rae et al., 2021, appendix A1.1), made for running prose of the web.
    Reference documentation is terser, so the defaults are wider, in brackets Gopher's: at least 3 words
    [50], a mean word length of 2 to 12 [3 to 10], letters in half of the words [80 %], 0.2 symbols (# and
    ellipses) for each word [0.1], bullets off [90 %], 0.4 of the characters in repeated lines or paragraphs
    [0.2]. Under Gopher's own bounds good entries of AWS's reference fall that list the same names for each
    of several products. The stop-word rule is left out, for it knows English only.

    Word lengths are those of words of letters alone, of scripts that put spaces between words, of at most
    40 characters: identifiers and encoded data say nothing about prose. Rules about lines judge texts of at
    least `min_lines` lines. `placeholders` refuses texts that contain one of these phrases, such as C4's
    "lorem ipsum" (Raffel et al., 2020).

    Reasons: too_short, too_long, word_length, symbols, not_alphabetic, bullets, ellipses, repeated_lines,
    repeated_paragraphs, placeholder.
    """

    name: ClassVar[str] = "quality"
    modules: ClassVar[tuple[str, ...]] = ("headwater.curate.words",)
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
        texts = strings(batch, "text")
        found = [words(text) for text in texts]
        verdicts = [self.verdict(text, tokens) for text, tokens in zip(texts, found, strict=True)]
        counted = with_columns(batch, words=pa.array([len(tokens) for tokens in found], pa.int64()))
        return with_verdicts(counted, verdicts)

    def verdict(self, text: str, tokens: list[str]) -> Verdict | None:
        """The first rule that `text` with these words fails."""
        count = len(tokens)
        if below(count, self.min_words):
            return Verdict("too_short", f"{count} words; least {self.min_words}")
        if above(count, self.max_words):
            return Verdict("too_long", f"{count} words; most {self.max_words}")
        lowered = text.lower()
        for placeholder in self.placeholders:
            if placeholder in lowered:
                return Verdict("placeholder", f"contains {placeholder!r}")
        return self._of_words(text, tokens) or self._of_lines(text)

    def _of_words(self, text: str, tokens: list[str]) -> Verdict | None:
        count = max(1, len(tokens))
        lengths = [len(token) for token in tokens if is_prose(token)]
        mean = sum(lengths) / max(1, len(lengths))
        if lengths and (below(mean, self.min_mean_word_length) or above(mean, self.max_mean_word_length)):
            limits = f"{self.min_mean_word_length} to {self.max_mean_word_length}"
            return Verdict("word_length", f"mean {mean:.1f} characters; allowed {limits}")
        symbols = sum(1 for _ in _SYMBOLS.finditer(text)) / count
        if above(symbols, self.max_symbol_ratio):
            return Verdict("symbols", f"{symbols:.2f} symbols for each word; most {self.max_symbol_ratio}")
        alphabetic = sum(1 for token in tokens if _ALPHABETIC.search(token)) / count
        if below(alphabetic, self.min_alphabetic_share):
            return Verdict(
                "not_alphabetic",
                f"{alphabetic:.0%} of words have a letter; least {self.min_alphabetic_share:.0%}",
            )
        return None

    def _of_lines(self, text: str) -> Verdict | None:
        lines = [line.strip() for line in text.split("\n") if line.strip()]
        if len(lines) < self.min_lines:
            return None
        paragraphs = [paragraph.strip() for paragraph in text.split("\n\n") if paragraph.strip()]
        rules = (
            ("bullets", self.max_bullet_share, share(lines, lambda line: line.startswith(_BULLETS))),
            ("ellipses", self.max_ellipsis_share, share(lines, lambda line: line.endswith(_ELLIPSIS))),
            ("repeated_lines", self.max_repeated_line_share, repeated(lines)),
            ("repeated_paragraphs", self.max_repeated_paragraph_share, repeated(paragraphs)),
        )
        for reason, limit, value in rules:
            if above(value, limit):
                return Verdict(reason, f"share {value:.2f}; most {limit}")
        return None


def below(value: float, limit: float | None) -> bool:
    """Whether `value` is under a limit that is set."""
    return limit is not None and value < limit


def above(value: float, limit: float | None) -> bool:
    """Whether `value` is over a limit that is set."""
    return limit is not None and value > limit


def share(lines: list[str], is_so: Callable[[str], bool]) -> float:
    """Share of the lines of which `is_so` holds."""
    return sum(map(is_so, lines)) / max(1, len(lines))


def repeated(pieces: list[str]) -> float:
    """Share of the characters that stand in pieces which stood before."""
    distinct = sum(map(len, set(pieces)))
    return 1.0 - distinct / max(1, sum(map(len, pieces)))
