"""Sampling by source."""

from __future__ import annotations

import hashlib

import pyarrow as pa
import pytest
from pydantic import ValidationError

from headwater.curate.sample import Sample


def _kept(step: Sample, count: int = 4000, source: str = "web") -> set[str]:
    identifiers = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(count)]
    batch = pa.RecordBatch.from_pydict({"document_id": identifiers, "source": [source] * count})
    reasons = step(batch).column("refused_reason").to_pylist()
    return {name for name, reason in zip(identifiers, reasons, strict=True) if reason is None}


def test_about_the_stated_share_stays_and_other_sources_are_whole() -> None:
    step = Sample(shares={"web": 0.25})
    assert 900 < len(_kept(step)) < 1100
    assert len(_kept(step, source="books")) == 4000
    assert _kept(Sample(shares={"web": 0.0})) == set()


def test_a_larger_share_keeps_all_that_a_smaller_one_keeps() -> None:
    assert _kept(Sample(default=0.2)) < _kept(Sample(default=0.5))


def test_which_stay_depends_on_the_seed_and_not_on_the_other_documents() -> None:
    step = Sample(default=0.5)
    assert _kept(step, 100) == _kept(step) & _kept(Sample(), 100)
    assert _kept(Sample(default=0.5, seed=1)) != _kept(step)


def test_a_share_beyond_one_is_refused_by_name() -> None:
    with pytest.raises(ValidationError, match=r"shares\.web"):
        Sample(shares={"web": 1.5})
