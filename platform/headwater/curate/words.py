"""What counts as a word."""

from __future__ import annotations

import re

# Han, kana and the alphabets of mainland South-East Asia, which put no spaces between words: each character
# counts as one.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
LONGEST_WORD = 40
_IS_UNSPACED = re.compile(f"[{_UNSPACED}]")
_WORD = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])\w)+")


def words(text: str) -> list[str]:
    """The words of `text`: runs of letters, digits and `_`; single characters where no spaces are written."""
    return _WORD.findall(text)


def is_prose(word: str) -> bool:
    """Whether a word of `words` is one that a reader would call so: letters alone, at most 40 of them."""
    return word.isalpha() and len(word) <= LONGEST_WORD and not _IS_UNSPACED.match(word)
