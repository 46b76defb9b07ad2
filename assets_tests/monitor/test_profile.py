"""The reference profile: what it keeps, and what it refuses."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headwater.monitor.judge import judge
from headwater.monitor.profile import ARRAYS_FILE, JSON_FILE, Profile, build
from headwater.monitor.rows import Observed, OtherEmbedder, WindowData, observed
from headwater.monitor.text_statistics import measured, vocabulary

Draw = Callable[..., Observed]


def test_a_profile_is_the_same_after_a_trip_to_disk(profile: Profile, draw: Draw, tmp_path: Path) -> None:
    profile.save(tmp_path)
    read = Profile.load(tmp_path)
    window = WindowData("w-1", draw("window", 60))
    assert judge(window, read) == judge(window, profile)
    read.save(tmp_path / "again")
    for name in (JSON_FILE, ARRAYS_FILE):
        assert (tmp_path / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_the_service_reads_the_answerable_similarity(profile: Profile, tmp_path: Path) -> None:
    profile.save(tmp_path)
    facts = json.loads((tmp_path / JSON_FILE).read_text())
    assert facts["answerable_similarity"] == profile.answerable_similarity
    below = profile.reference.similarity < profile.answerable_similarity
    assert below.mean() == pytest.approx(0.05, abs=0.01)


def test_another_embedder_is_refused(profile: Profile, draw: Draw) -> None:
    with pytest.raises(OtherEmbedder, match="build a new profile"):
        judge(WindowData("w-1", draw("window", 60, embedder="two")), profile)


def test_files_that_do_not_belong_together_are_refused(profile: Profile, draw: Draw, tmp_path: Path) -> None:
    profile.save(tmp_path / "one")
    build("docs@2", draw("other", 100)).save(tmp_path / "two")
    (tmp_path / "one" / ARRAYS_FILE).write_bytes((tmp_path / "two" / ARRAYS_FILE).read_bytes())
    with pytest.raises(ValueError, match=ARRAYS_FILE):
        Profile.load(tmp_path / "one")
    with pytest.raises(ValueError, match="40 questions"):
        build("docs@3", draw("few", 5))


def test_a_quiet_window_lies_within_the_null_table(profile: Profile) -> None:
    sizes = profile.nulls.clusters
    assert sizes[0] == 20
    assert profile.nulls.at(20) > profile.nulls.at(80) > profile.nulls.at(sizes[-1])
    assert profile.nulls.at(5) == profile.nulls.at(20)


def test_own_words_are_unknown_in_the_reference_as_they_would_be_in_a_window() -> None:
    texts, clusters = ["red fox", "red hen", "red owl"], np.arange(3)
    words = vocabulary(texts, clusters)
    assert measured(texts, words, own=clusters)["unknown_words"].tolist() == [0.5, 0.5, 0.5]
    assert measured(["red fox"], words)["unknown_words"].tolist() == [0.0]
    assert measured(["mail <EMAIL> or <IP:ab12>"], words)["redacted"].tolist() == [2.0]


def _record(number: int, **given: Any) -> Mapping[str, Any]:
    vector = np.zeros(4, dtype="<f2")
    vector[number % 4] = 1
    return {
        "response_id": f"r{number}",
        "session": "",
        "user": "",
        "question": f"question {number}",
        "embedder": "one",
        "embedding": base64.b64encode(vector.tobytes()).decode(),
        "top_similarity": 0.5,
        "retrieved": [{"uri": "a.html", "similarity": 0.3}, {"uri": "b.html", "similarity": 0.5}],
        "status": 200,
        "latency_ms": 12.0,
        **given,
    }


def test_rows_of_the_log_become_questions_and_requests() -> None:
    rows = [
        _record(0, session="s", vote=-1),
        _record(1, session="s", user="u", vote=1),
        _record(2, user="u", vote=0),
        _record(3, top_similarity=None),
        _record(4, status=503, embedding="", latency_ms=1.0),
    ]
    window = WindowData.of("w-1", rows, embedder="one", dimensions=4)
    assert window.observed.rows == 4
    assert len(set(window.observed.clusters.tolist())) == 3
    assert window.observed.nearest[0] == "b.html"
    assert window.observed.down is not None
    assert np.nan_to_num(window.observed.down, nan=9).tolist() == [1, 0, 9, 9]
    assert np.isnan(window.observed.similarity[3])
    assert window.requests is not None
    assert (len(window.requests.latency_ms), window.requests.failed) == (4, 1)
    with pytest.raises(OtherEmbedder):
        observed([_record(0, embedder="two")], embedder="one", dimensions=4)
