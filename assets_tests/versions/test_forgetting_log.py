"""Erasure reaches the inference log: windows, segments that wait, and one that a service writes to."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import local_servers
import pytest
import tiny_product
from logged import entry, feedback, request, segment

from headwater.components.assets import build_assets
from headwater.components.inference import inference_asset
from headwater.inference_log.log import InferenceLog
from headwater.inference_log.maker import WindowSettings
from headwater.inference_log.places import Places
from headwater.inference_log.segments import segments
from headwater.lake import NotFound
from headwater.tables import read_rows
from headwater.versions.erasure_report import as_json, markdown
from headwater.versions.forgetting import Forgotten, forget
from headwater.versions.selection import Wanted

SAID = "my neighbour's blue bicycle"
Erase = Callable[..., Forgotten]


@pytest.fixture
def definitions(corpus: Path) -> dg.Definitions:
    """The tiny product with its inference log, in windows of three."""
    log = inference_asset("tiny", WindowSettings(window_rows=3))
    return dg.Definitions.merge(
        tiny_product.definitions(corpus / "sources"),
        dg.Definitions(assets=build_assets([log], owner="team:data")),
    )


@pytest.fixture
def build_log(corpus: Path, definitions: dg.Definitions) -> Callable[[], Any]:
    def run() -> Any:
        from headwater.building import build

        result = build(
            "tiny",
            select=["inference"],
            definitions=definitions,
            instance=dg.DagsterInstance.ephemeral(),
            home=str(corpus / "home"),
        )
        assert result.succeeded, result.reason
        return result.assets["inference"]

    return run


@pytest.fixture
def erase(corpus: Path, settings_of, definitions: dg.Definitions) -> Erase:
    return lambda wanted, **given: forget(
        settings_of(corpus), "tiny", wanted, definitions=definitions, **given
    )


@pytest.fixture
def document(corpus: Path, lake_of) -> dict[str, Any]:
    """A document of the product."""
    rows = read_rows(lake_of(corpus).fetch("main", "tiny/silver/"))
    return next(row for row in rows if row["uri"].startswith("docs/bucket-list"))


def used(number: int, document: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """A request that was answered from the document."""
    passage = {"chunk_id": "c", "document_id": document["document_id"], "uri": document["uri"]}
    return request(number, retrieved=[{**passage, "score": 1.0, "similarity": 0.5}], **changed)


def ids(folder: Path) -> set[int]:
    return {int(row["response_id"][-32:], 16) for row in read_rows(folder)}


def test_requests_that_were_answered_from_a_document_go_with_it(
    corpus: Path, lake_of, erase: Erase, build_log, document: dict[str, Any]
) -> None:
    lake, places = lake_of(corpus), Places.of(corpus / "home", "tiny")
    lines = [
        request(0),
        used(1, document),
        request(2),
        feedback(1, 1, minutes=3, vote=1),
        feedback(2, 0, minutes=3),
    ]
    lines += [used(3, document), request(4)]
    segment(places.closed, [entry(number, record) for number, record in enumerate(lines)])
    assert build_log().rows == 3
    log = InferenceLog(corpus / "home", "tiny", environment={})
    for number, record in enumerate([request(10), used(11, document), request(12)]):
        log.request({**record, "user": str(number)})
    local_servers.until(
        lambda: sum(path.read_bytes().count(b"\n") for path in places.open.glob("*.jsonl")) == 3,
        20,
        lambda: "not written",
    )
    done = erase(Wanted(uri="docs/bucket-list*"))
    assert done.complete, (done.remaining, done.failure)
    # Requests 1, 3 and 11, and the judgement of 1, which stands in no window yet.
    assert (done.log_rows, done.log_lines) == (3, 4)
    assert "3 requests and judgements" in markdown(as_json(done))
    log.request(used(13, document))
    log.request(request(14))
    log.close()
    waiting = b"".join((places.closed / name).read_bytes() for name in segments(places.closed))
    assert document["document_id"].encode() in waiting, "the service answers from the old release for now"
    assert waiting.count(document["document_id"].encode()) == 1
    again = build_log()
    assert ids(lake.fetch("main", "tiny/inference/")) == {0, 2, 4, 10, 12}
    assert not again.reason
    parts = lake.fetch("main", "tiny/inference/").rglob("*.parquet")
    assert not any(document["document_id"].encode() in path.read_bytes() for path in parts)


def test_what_a_person_wrote_is_found_where_no_document_holds_it(
    corpus: Path, lake_of, erase: Erase, build_log
) -> None:
    places = Places.of(corpus / "home", "tiny")
    lines = [
        request(0, question=f"Where is {SAID}?"),
        request(1),
        request(2),
        feedback(1, 1, minutes=9, correction=f"Not {SAID}"),
        request(3, answer=SAID),
        request(4),
    ]
    segment(places.closed, [entry(number, record) for number, record in enumerate(lines)])
    build_log()
    done = erase(Wanted(text=SAID), reason="asked to")
    assert done.complete, (done.remaining, done.failure)
    assert (done.log_rows, done.log_lines) == (3, 3)
    assert SAID not in json.dumps(as_json(done))
    everything = b"".join(path.read_bytes() for path in places.root.rglob("*") if path.is_file())
    assert SAID.encode() not in everything
    assert ids(lake_of(corpus).fetch("main", "tiny/inference/")) == {1, 2}
    one = erase(Wanted(document=f"chatcmpl-{2:032x}"))
    assert (one.complete, one.log_rows, one.log_lines) == (True, 1, 1), "its segment still waits"
    assert ids(lake_of(corpus).fetch("main", "tiny/inference/")) == {1}
    swept = erase(Wanted(uri="inference/*"), sweep=True)
    assert swept.swept is not None
    assert swept.swept.payloads > 0


def test_nothing_meant_is_still_an_error(corpus: Path, erase: Erase, build_log) -> None:
    segment(Places.of(corpus / "home", "tiny").closed, [entry(0, request(0))])
    build_log()
    with pytest.raises(NotFound, match="no such document"):
        erase(Wanted(text=SAID))
