"""The choice of what counts as a word, for the steps that count words."""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator

from headwater.curate.step import StepSettings
from headwater.fingerprint import digest_json, library_versions

WordRule = Literal["plain", "spacy"]
_LANGUAGES = (
    "af am ar az bg ca cs da de dsb el en es et eu fa fi fo fr ga grc he hr hsb hu hy id is it ky la lb lg "
    "lij lt lv mk ms nb nl pl pt ro ru sk sl sq sr sv ti tl tn tr tt uk xx yo"
)
LANGUAGES = tuple(_LANGUAGES.split())
"""The languages that datatrove 0.10 splits with a blank spaCy pipeline and no dictionary."""


class WordSettings(StepSettings):
    """Base of those steps.

    `plain` is Headwater's own splitter. `spacy` is a blank pipeline of spaCy for `language`, as datatrove
    uses it: the decisions are then those of datatrove 0.10. It needs the extra `parity` and is slower.
    """

    words: WordRule = "plain"
    language: str = "en"

    @field_validator("language")
    @classmethod
    def _known(cls, language: str) -> str:
        if language not in LANGUAGES:
            raise ValueError(f"expected one of {', '.join(LANGUAGES)}")
        return language

    def _digest(self, exclude: tuple[str, ...]) -> str:
        own = super()._digest(exclude)
        return digest_json([own, library_versions("spacy")]) if self.words == "spacy" else own


WORD_MODULES = tuple(
    f"headwater.curate.{name}"
    for name in (
        "measured",
        "measures",
        "rules",
        "spacy_words",
        "word_settings",
        "kernels.block_words",
        "kernels.blocks",
        "kernels.characters",
        "kernels.chunks",
        "kernels.counters",
        "kernels.lines",
        "kernels.splitting",
        "kernels.tables",
        "kernels.word_counters",
        "kernels.words",
    )
)
"""Modules that every step on words depends on."""
