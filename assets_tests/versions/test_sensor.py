"""The sensor on the lake: foreign commits are reported once, and what follows them is requested."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
import tiny_product

from headwater.components import Upkeep
from headwater.components.automation import DATA_VERSION
from headwater.components.lake_sensor import NAME
from headwater.components.links import LAKEFS_RUN_LINK, commit_link, run_link
from headwater.components.resource import Headwater
from headwater.components.upkeep import JOB, UpkeepAttributes
from headwater.lake.records import data_version

CORPUS = ["raw", "bronze", "silver", "chunks"]
Look = Callable[[], tuple[set[str], str | None]]


@pytest.fixture
def headwater(corpus: Path, settings_of) -> Headwater:
    return Headwater(home=str(corpus / "home"), lake=settings_of(corpus).lake)


@pytest.fixture
def definitions(corpus: Path, headwater: Headwater) -> dg.Definitions:
    product = tiny_product.components(corpus / "sources")[0]
    return dg.Definitions.merge(
        product.definitions(),
        Upkeep(UpkeepAttributes()).definitions(),
        dg.Definitions(
            resources={"headwater": headwater},
            executor=dg.in_process_executor,
        ),
    )


@pytest.fixture
def instance() -> dg.DagsterInstance:
    return dg.DagsterInstance.ephemeral()


@pytest.fixture
def look(headwater: Headwater, definitions: dg.Definitions, instance: dg.DagsterInstance) -> Look:
    """Evaluate the sensor as the daemon does: report its events, keep its cursor."""
    cursor: list[str | None] = [None]

    def evaluate() -> tuple[set[str], str | None]:
        sensor = definitions.resolve_sensor_def(NAME)
        context = dg.build_sensor_context(
            instance=instance,
            cursor=cursor[0],
            definitions=definitions,
            resources={"headwater": headwater},
        )
        result = sensor(context)
        if isinstance(result, dg.SkipReason):
            return set(), result.skip_message
        assert isinstance(result, dg.SensorResult)
        for event in result.asset_events:
            instance.report_runless_asset_event(event)
        cursor[0] = result.cursor
        made = [event for event in result.asset_events if isinstance(event, dg.AssetMaterialization)]
        return {event.asset_key.path[-1] for event in made}, None

    return evaluate


def tags(instance: dg.DagsterInstance, asset: str) -> dict[str, str]:
    event = instance.get_latest_materialization_event(dg.AssetKey(["tiny", asset]))
    assert event is not None
    assert event.asset_materialization is not None
    return dict(event.asset_materialization.tags or {})


@pytest.mark.parametrize("store", ["embedded", "lakefs"])
def test_what_another_instance_built_is_reported_once_with_its_version(
    corpus: Path, lake_of, instance: dg.DagsterInstance, look: Look
) -> None:
    assert look()[0] == set(CORPUS)
    lake = lake_of(corpus)
    assert tags(instance, "chunks")[DATA_VERSION] == data_version(lake, "main", "tiny/chunks/")
    found, skipped = look()
    assert found == set()
    assert skipped is not None
    assert "still stands at" in skipped


def test_what_this_instance_built_is_not_reported(
    corpus: Path, instance: dg.DagsterInstance, look: Look, build_corpus
) -> None:
    tiny_product.write_document(corpus / "sources" / "docs", "bucket", "list", "Another text")
    build_corpus(corpus, instance=instance)
    assert look() == (set(), None)


def test_a_foreign_commit_makes_what_follows_and_nothing_else(
    corpus: Path, lake_of, definitions: dg.Definitions, instance: dg.DagsterInstance, look: Look, build_corpus
) -> None:
    build_corpus(corpus, instance=instance)
    look()
    selection = dg.AssetSelection.all()

    def requested(cursor=None):
        result = dg.evaluate_automation_conditions(
            definitions, instance=instance, asset_selection=selection, cursor=cursor
        )
        keys = {key.path[-1] for key in definitions.resolve_all_asset_keys() if result.get_num_requested(key)}
        return keys, result.cursor

    keys, cursor = requested()
    assert keys == set()
    # Somebody merges a branch with other documents, made on another instance.
    tiny_product.write_document(corpus / "sources" / "docs", "bucket", "list", "Another text")
    build_corpus(corpus, branch="elsewhere", select=["raw", "bronze"])
    lake_of(corpus).merge("elsewhere", "main", "by hand")
    assert look()[0] == {"raw", "bronze"}
    keys, cursor = requested(cursor)
    assert keys == {"silver", "chunks"}


def test_data_that_was_put_by_hand_is_reported_and_nothing_is_made_of_it(
    corpus: Path, lake_of, definitions: dg.Definitions, instance: dg.DagsterInstance, look: Look, build_corpus
) -> None:
    build_corpus(corpus, instance=instance)
    look()
    with lake_of(corpus).change("main", "by hand") as change:
        change.delete("tiny/bronze/_fingerprint.json")
    assert look()[0] == {"bronze"}
    result = dg.evaluate_automation_conditions(
        definitions, instance=instance, asset_selection=dg.AssetSelection.all()
    )
    assert result.total_requested == 0


def test_the_sweep_runs_as_a_job_and_its_schedule_is_off(
    corpus: Path, definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    job = definitions.resolve_job_def(JOB)
    assert job.execute_in_process(instance=instance).success
    schedule = definitions.resolve_schedule_def("sweep_lake_schedule")
    assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED
    with pytest.raises(ValueError, match="such as 7d"):
        UpkeepAttributes(older_than="a week")


@pytest.mark.parametrize("store", ["embedded", "lakefs"])
def test_links_lead_both_ways_where_there_are_pages(
    corpus: Path, store: str, lake_of, build_corpus, instance: dg.DagsterInstance, monkeypatch
) -> None:
    assert run_link("1", {}) == {}
    address = "https://dagster.example.org/runs/1"
    assert run_link("1", {"DAGSTER_WEBSERVER_URL": "https://dagster.example.org/"}) == {
        "run_url": address,
        LAKEFS_RUN_LINK: address,
    }
    monkeypatch.setenv("DAGSTER_WEBSERVER_URL", "https://dagster.example.org")
    tiny_product.write_document(corpus / "sources" / "docs", "bucket", "list", "Another text")
    result = build_corpus(corpus, instance=instance)
    lake, address = lake_of(corpus), f"https://dagster.example.org/runs/{result.run_id}"
    made = next(one for one in lake.log("main", prefix="tiny/raw/") if len(one.parents) == 1)
    assert (made.metadata["run_url"], made.metadata[LAKEFS_RUN_LINK]) == (address, address)
    assert made.metadata["run_id"] == result.run_id
    event = instance.get_latest_materialization_event(dg.AssetKey(["tiny", "chunks"]))
    assert event is not None
    assert event.asset_materialization is not None
    told = event.asset_materialization.metadata
    links = {name: told[name].value for name in told if name.endswith("_link")}
    if store == "embedded":
        assert links == commit_link(lake, "main") == {}
        return
    head = lake.resolve("main")
    pages = f"{lake.address.endpoint}/repositories/{lake.address.repository}"
    assert links == {
        "commit_link": f"{pages}/commits/{head}",
        "diff_link": f"{pages}/compare?ref={next(lake.log(head)).parents[0]}&compare={head}",
        "branch_link": f"{pages}/objects?ref=main",
    }
