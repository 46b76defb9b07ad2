"""The beginnings of refused texts, without their personal data."""

from __future__ import annotations

import pyarrow as pa

from headwater.curate.engine.compute import pc
from headwater.curate.pii import Redact
from headwater.curate.pii.secrets import KEY_LITERAL
from headwater.curate.step import StepSettings, with_columns

EXCERPT_CHARACTERS = 300
# Enough for what must be seen whole to be redacted, e.g. a private key.
LOOKAHEAD = 20_000
# Enough for everything else: no rule looks at more than 1,024 characters without white space.
NEAR = 1_500


def excerpts(batch: pa.RecordBatch, redactors: tuple[StepSettings, ...]) -> pa.Array:
    """The first characters of each text, redacted as if more of it were seen."""
    texts = batch.column("text")
    blank = pa.array([""] * len(batch)), pa.array(["{}"] * len(batch))
    bare = with_columns(batch, title=blank[0], attributes=blank[1])
    near = pc.utf8_slice_codeunits(texts, 0, NEAR)
    found = _redacted(bare, near, redactors)
    far = pc.and_(pc.greater(pc.utf8_length(texts), NEAR), _needs_more(near, found, redactors))
    if pc.any(far).as_py():
        more = bare.filter(far)
        seen = pc.utf8_slice_codeunits(more.column("text"), 0, LOOKAHEAD)
        found = pc.replace_with_mask(found, far, _redacted(more, seen, redactors))
    return found


def _redacted(batch: pa.RecordBatch, texts: pa.Array, redactors: tuple[StepSettings, ...]) -> pa.Array:
    batch = with_columns(batch, text=texts)
    for redactor in redactors:
        batch = redactor(batch)
    return pc.utf8_slice_codeunits(batch.column("text"), 0, EXCERPT_CHARACTERS)


def _needs_more(near: pa.Array, found: pa.Array, redactors: tuple[StepSettings, ...]) -> pa.Array:
    """Where what stands behind `near` may matter: a key begins, a word has no end, or text moves up.

    A model that finds names may look at everything.
    """
    if any(not isinstance(redactor, Redact) or "name" in redactor.kinds for redactor in redactors):
        return pa.array([True] * len(near))
    moved = pc.not_equal(pc.utf8_slice_codeunits(near, 0, EXCERPT_CHARACTERS), found)
    key = pc.match_substring(near, KEY_LITERAL)
    rest = pc.utf8_slice_codeunits(near, EXCERPT_CHARACTERS, NEAR)
    endless = pc.invert(pc.match_substring_regex(rest, "[ \n]"))
    return pc.or_(moved, pc.or_(key, endless))
