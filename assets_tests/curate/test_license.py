"""Licences and directives for robots."""

from __future__ import annotations

import json

import pyarrow as pa

from headwater.curate.license import License


def _judged(step: License, *attributes: dict[str, str]) -> pa.RecordBatch:
    return step(pa.RecordBatch.from_pydict({"attributes": [json.dumps(fields) for fields in attributes]}))


def test_what_the_publisher_says_is_carried_on() -> None:
    found = _judged(License(), {"license": "MIT", "robots": "NoArchive, nosnippet"}, {})
    assert found.column("license").to_pylist() == ["MIT", "unknown"]
    assert found.column("robots").to_pylist() == ["noarchive,nosnippet", ""]
    assert found.column("refused_reason").to_pylist() == [None, None]


def test_only_allowed_licences_pass_and_deny_wins() -> None:
    step = License(allow=("MIT", "CC-BY-*"), deny=("CC-BY-NC-*",), unknown="refuse")
    licences = ("mit", "CC-BY-4.0", "CC-BY-NC-4.0", "GPL-3.0-only", " ")
    assert _judged(step, *({"license": name} for name in licences)).column("refused_reason").to_pylist() == [
        None,
        None,
        "license_not_allowed",
        "license_not_allowed",
        "license_unknown",
    ]


def test_directives_against_use_refuse_from_either_place() -> None:
    documents = ({"robots": "index, NoAI"}, {"ai_txt": "disallow"}, {"robots": "all"})
    found = _judged(License(), *documents)
    assert found.column("refused_reason").to_pylist() == ["robots_disallowed", "robots_disallowed", None]
    assert found.column("refused_detail").to_pylist() == ["noai", "disallow", None]
