"""Duplicates over a whole corpus: exact and near ones of documents, and text repeated across documents.

Only the settings are imported here: everything else needs numba.
"""

from headwater.curate.dedup.repeated import RemoveRepeated
from headwater.curate.dedup.settings import EXACT, NEAR, Deduplicate

__all__ = ["EXACT", "NEAR", "Deduplicate", "RemoveRepeated"]
