"""A release made again from its raw inputs: the same bytes, or the reason why not."""

from __future__ import annotations

import dagster as dg
import pytest
import tiny_product

from headwater.components.resource import Headwater
from headwater.versions.releases import NoSuchRelease
from headwater.versions.reproduce import reproduce


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_release_is_made_again_byte_for_byte(built, settings_of) -> None:
    lake = built.lake
    before = lake.refs("branch"), lake.refs("tag")
    found = reproduce(
        settings_of(built.folder), "tiny", definitions=tiny_product.definitions(built.folder / "sources")
    )
    assert found.reason == ""
    verdicts = {item.asset: item.verdict for item in found.assets}
    assert verdicts.pop("raw") == "taken over"
    assert set(verdicts.values()) == {"equal"}, found.assets
    assert found.reproduced
    assert found.equal == 13
    assert (lake.refs("branch"), lake.refs("tag")) == before
    assert not (built.folder / "home" / "reproduce" / "tiny-v1").exists()


def test_another_configuration_is_named_where_bytes_differ(copy, settings_of) -> None:
    overrides = {"corpus": {"chunks": {"sources": ["docs", "questions"]}}}
    # The corpus alone is defined, so that nothing is trained for this.
    corpus = tiny_product.components(copy.folder / "sources", **overrides)[0]
    definitions = dg.Definitions.merge(
        corpus.definitions(),
        dg.Definitions(resources={"headwater": Headwater()}, executor=dg.in_process_executor),
    )
    found = reproduce(settings_of(copy.folder), "tiny", "tiny-v1", definitions=definitions)
    made = {item.asset: item for item in found.assets}
    assert not found.reproduced
    assert made["silver"].verdict == "equal"
    assert made["chunks"].verdict == "different"
    assert made["chunks"].why == ("configuration: fingerprint, sources",)
    assert made["model"].verdict == "not made"


def test_unknown_releases(built, settings_of) -> None:
    definitions = tiny_product.definitions(built.folder / "sources")
    with pytest.raises(NoSuchRelease, match="tiny-v1"):
        reproduce(settings_of(built.folder), "tiny", "tiny-v7", definitions=definitions)
    with pytest.raises(NoSuchRelease, match="never released"):
        reproduce(settings_of(built.folder), "other", definitions=definitions)
