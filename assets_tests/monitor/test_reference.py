"""The profile of a release: made from its own questions and index, or saying why there is none."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import small_corpus
import tiny_product

from headwater.index.search import EmbedderMismatch, SearchIndex
from headwater.monitor.clusters import count
from headwater.monitor.profile import ARRAYS_FILE, Insufficient, Profile
from headwater.monitor.reference import ProfileMaker
from headwater.schemas import QUESTIONS
from headwater.serve import open_release
from headwater.serve.answerable import answerable_threshold
from headwater.tables import read_rows, write_rows

FOLDER = f"{tiny_product.PRODUCT}/profile/"


@pytest.fixture(scope="module")
def folder(built) -> Path:
    return built.lake.fetch("production", FOLDER)


def test_a_release_has_a_profile_of_its_questions_in_its_own_vectors(built, folder: Path) -> None:
    profile = Profile.load(folder)
    index = SearchIndex.open(built.lake.fetch("production", f"{tiny_product.PRODUCT}/index/"))
    asked = list(read_rows(built.lake.fetch("production", f"{tiny_product.PRODUCT}/questions/")))
    assert profile.reference.rows == len(asked)
    assert count(profile.reference.clusters) == len({tuple(row["relevant_chunk_ids"]) for row in asked})
    assert profile.reference.embedder == index.about["embedder"]["fingerprint"]
    top = [index.search(row["text"], 1, "dense")[0].score for row in asked]
    np.testing.assert_allclose(profile.reference.similarity, top, atol=1e-4)
    languages = profile.reference.kinds["language"]
    assert len(languages) == profile.reference.rows
    assert max(set(languages), key=languages.count) == "en"
    decision = json.loads(built.lake.fetch("production", "tiny/release/decision.json").read_text())
    assert decision["parts"]["profile"] == built.versions("production")["profile"]


def test_the_service_reads_the_profile_of_the_release(built, folder: Path) -> None:
    profile = Profile.load(folder)
    embedder = profile.reference.embedder
    threshold = answerable_threshold(folder, tiny_product.PRODUCT, embedder)
    assert threshold == profile.answerable_similarity
    assert open_release(built.lake, tiny_product.PRODUCT).threshold == threshold
    with pytest.raises(EmbedderMismatch, match="build the profile again"):
        answerable_threshold(folder, tiny_product.PRODUCT, "another")
    assert answerable_threshold(None, "made_before_profiles", embedder) is None


def test_too_few_questions_are_a_result_and_nothing_is_refused_then(built, tmp_path: Path) -> None:
    lake = built.lake
    index = lake.fetch("production", f"{tiny_product.PRODUCT}/index/")
    rows = list(read_rows(lake.fetch("production", f"{tiny_product.PRODUCT}/questions/")))
    for kept in (0, 39):
        write_rows(tmp_path / f"questions-{kept}", rows[:kept], QUESTIONS.arrow, key="question_id")
        given = {"questions": tmp_path / f"questions-{kept}", "index": index}
        produced = ProfileMaker()(small_corpus.workspace(tmp_path, f"out-{kept}", **given))
        assert f"not {kept} in {kept}" in produced.text["insufficient"]
        assert not (tmp_path / f"out-{kept}" / ARRAYS_FILE).exists()
        with pytest.raises(Insufficient, match="needs 40 questions"):
            Profile.load(tmp_path / f"out-{kept}")
    embedder = SearchIndex.open(index).about["embedder"]["fingerprint"]
    assert answerable_threshold(tmp_path / "out-39", tiny_product.PRODUCT, embedder) is None


def test_questions_of_other_chunks_are_refused(built, tmp_path: Path) -> None:
    rows = list(read_rows(built.lake.fetch("production", f"{tiny_product.PRODUCT}/questions/")))
    strange = [{**rows[0], "relevant_chunk_ids": ["0" * 64]}]
    write_rows(tmp_path / "questions", strange, QUESTIONS.arrow, key="question_id")
    index = built.lake.fetch("production", f"{tiny_product.PRODUCT}/index/")
    given = {"questions": tmp_path / "questions", "index": index}
    with pytest.raises(ValueError, match="does not hold"):
        ProfileMaker()(small_corpus.workspace(tmp_path, "out", **given))
