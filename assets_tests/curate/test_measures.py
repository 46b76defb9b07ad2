from __future__ import annotations

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from quality_texts import TEXTS, batch_of, made_documents

from headwater.curate.engine.chain import Chain
from headwater.curate.step import DETAIL, REASON

STEPS = ("gopher_repetition", "gopher_quality", "c4_quality", "fineweb_quality")
LENIENT = {"max_duplicate_line_share": None, "max_duplicate_paragraph_share": None, "top_runs": {2: 0.9}}


def _afresh(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The same in other memory, of which nothing is known."""
    return pa.RecordBatch.from_pylist(batch.to_pylist(), schema=batch.schema)


def _judge_afresh(chain: Chain, batch: pa.RecordBatch) -> pa.RecordBatch:
    for step in chain.steps:
        batch = step(_afresh(batch))
        batch = batch.filter(batch.column(REASON).is_null()).drop_columns([REASON, DETAIL])
    return batch


def _same(chain: Chain, texts: list[str]) -> None:
    batch = batch_of(*texts)
    found = chain.judge(batch)
    assert found.documents.to_pylist() == _judge_afresh(chain, batch).to_pylist()


def test_what_is_counted_once_for_all_steps_is_what_each_would_count() -> None:
    chain = Chain.model_validate({"steps": [{"step": STEPS[0], **LENIENT}, *STEPS[1:]]})
    assert 0 < len(chain.judge(batch_of(*made_documents())).passed) < 240
    _same(chain, made_documents())


@given(st.lists(TEXTS, max_size=6), st.permutations(STEPS))
@settings(deadline=None, max_examples=60)
def test_in_any_order(texts: list[str], names: list[str]) -> None:
    loose = {"gopher_quality": {"min_words": 1, "min_stop_words": 0}, "c4_quality": {"min_sentences": 1}}
    _same(Chain.model_validate({"steps": [{"step": name, **loose.get(name, {})} for name in names]}), texts)
