"""What counts as a word."""

from __future__ import annotations

import re

# Han, kana and the alphabets of mainland South-East Asia, which put no spaces between words: each character
# counts as one.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
LONGEST_WORD = 40
"""Characters; longer runs of letters say nothing about the length of words in prose."""
_WORD = re.compile(rf"[{UNSPACED}]|(?:(?![{UNSPACED}])\w)+")


def words(text: str) -> list[str]:
    """The words of `text`: runs of letters, digits and `_`; single characters where no spaces are written."""
    return _WORD.findall(text)
