"""The automation by ticks: changed data moves what is downstream, unchanged data moves nothing."""

from __future__ import annotations

import dagster as dg
import pytest

from headwater.components.automation import REFRESH, refresh

UPSTREAM, DOWNSTREAM = dg.AssetKey("upstream"), dg.AssetKey("downstream")


class Chain:
    """Two assets with the project's condition, and a daemon that ticks when it is told to."""

    def __init__(self) -> None:
        self.instance = dg.DagsterInstance.ephemeral()
        self.version = "1"
        self.failing = False
        self.cursor = None

        @dg.asset(name="upstream")
        def upstream() -> dg.MaterializeResult:
            return dg.MaterializeResult(data_version=dg.DataVersion(self.version))

        @dg.asset(name="downstream", deps=["upstream"], automation_condition=REFRESH)
        def downstream() -> dg.MaterializeResult:
            if self.failing:
                raise RuntimeError("no luck")
            return dg.MaterializeResult(data_version=dg.DataVersion(self.version))

        self.assets = [upstream, downstream]
        self.definitions = dg.Definitions(assets=self.assets)

    def make(self, *names: str) -> None:
        dg.materialize(self.assets, selection=list(names), instance=self.instance, raise_on_error=False)

    def tick(self) -> set[dg.AssetKey]:
        result = dg.evaluate_automation_conditions(self.definitions, self.instance, cursor=self.cursor)
        self.cursor = result.cursor
        return {key for key in (UPSTREAM, DOWNSTREAM) if result.get_num_requested(key)}


@pytest.fixture
def chain() -> Chain:
    chain = Chain()
    chain.make("upstream", "downstream")
    chain.tick()
    return chain


def test_changed_data_requests_what_is_downstream_once(chain: Chain) -> None:
    chain.version = "2"
    chain.make("upstream")
    assert chain.tick() == {DOWNSTREAM}
    chain.make("downstream")
    assert [chain.tick() for _ in range(3)] == [set(), set(), set()]


def test_unchanged_data_requests_nothing(chain: Chain) -> None:
    chain.make("upstream")
    assert [chain.tick() for _ in range(3)] == [set(), set(), set()]


def test_a_failed_run_is_requested_once_more_and_not_for_ever(chain: Chain) -> None:
    chain.version, chain.failing = "2", True
    chain.make("upstream")
    assert chain.tick() == {DOWNSTREAM}
    chain.make("downstream")
    requests: list[set[dg.AssetKey]] = [chain.tick() for _ in range(4)]
    assert sum(bool(request) for request in requests) == 1


def test_nothing_is_requested_before_the_inputs_exist() -> None:
    chain = Chain()
    assert [chain.tick() for _ in range(2)] == [set(), set()]


@pytest.mark.parametrize("changes", [1, 3])
def test_many_changes_are_followed_one_by_one(chain: Chain, changes: int) -> None:
    def follow(number: int) -> set[dg.AssetKey]:
        chain.version = f"v{number}"
        chain.make("upstream")
        requested = chain.tick()
        chain.make("downstream")
        return requested

    assert [follow(number) for number in range(changes)] == [{DOWNSTREAM}] * changes


def test_a_change_in_the_tick_in_which_the_asset_was_made_is_not_lost(chain: Chain) -> None:
    chain.version = "2"
    chain.make("upstream", "downstream")
    chain.version = "3"
    chain.make("upstream")
    assert chain.tick() == {DOWNSTREAM}


def test_after_failures_only_a_new_change_asks_again(chain: Chain) -> None:
    chain.version, chain.failing = "2", True
    chain.make("upstream")
    for _ in range(5):
        if chain.tick():
            chain.make("downstream")
    assert chain.tick() == set()
    chain.version, chain.failing = "3", False
    chain.make("upstream")
    assert chain.tick() == {DOWNSTREAM}


def test_an_input_that_is_not_followed_makes_nothing_alone() -> None:
    instance, versions = dg.DagsterInstance.ephemeral(), {"said": "1", "documents": "1"}
    said = dg.AssetKey("said")

    def source(name: str) -> dg.AssetsDefinition:
        @dg.asset(name=name)
        def made() -> dg.MaterializeResult:
            return dg.MaterializeResult(data_version=dg.DataVersion(versions[name]))

        return made

    @dg.asset(deps=["said", "documents"], automation_condition=refresh(said))
    def learnt() -> None: ...

    assets = [source("said"), source("documents"), learnt]
    definitions, cursor = dg.Definitions(assets=assets), None

    def requested(changed: str) -> int:
        nonlocal cursor
        versions[changed] += "1"
        dg.materialize(assets, selection=[changed], instance=instance)
        result = dg.evaluate_automation_conditions(definitions, instance, cursor=cursor)
        cursor = result.cursor
        return result.get_num_requested(dg.AssetKey("learnt"))

    dg.materialize(assets, instance=instance)
    assert (requested("said"), requested("said"), requested("documents")) == (0, 0, 1)
