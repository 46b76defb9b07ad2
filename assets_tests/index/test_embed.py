from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
from small_corpus import chunk, chunks, files_of, workspace, write_chunks

from headwater.index.embed import EmbeddingsMaker
from headwater.index.embedder import EmbeddingModel
from headwater.index.workers import WorkerFailed
from headwater.schemas import embeddings
from headwater.tables import read_rows, read_table

MAKER = EmbeddingsMaker(workers=1)

BUILD = """
import sys
from pathlib import Path
from headwater.index.embed import EmbeddingsMaker
from headwater.workspace import Workspace
base = Path(sys.argv[1])
space = Workspace(out=base / "out", inputs={"chunks": base / "chunks"}, previous=None, cache=base / "cache",
    scratch=base, progress=lambda what, done, total: print(done, total, flush=True))
EmbeddingsMaker(workers=2)(space)
"""


def test_one_unit_vector_per_chunk_in_the_chunks_order(corpus: Path):
    assert embeddings(384).audit(corpus / "embeddings").passed
    made, given = read_rows(corpus / "embeddings"), read_rows(corpus / "chunks")
    pairs = [(row["chunk_id"], row["embedded_digest"]) for row in made]
    assert pairs == [(row["chunk_id"], row["embedded_digest"]) for row in given]


def test_a_text_is_embedded_once_and_the_cache_serves_the_rest(corpus: Path, tmp_path: Path):
    produced = MAKER(workspace(tmp_path, "again", chunks=corpus / "chunks", cache=corpus / "cache"))
    assert produced.metrics["embedded"] == 0
    assert produced.metrics["from_cache"] == produced.metrics["distinct_texts"]
    assert files_of(tmp_path / "again") == files_of(corpus / "embeddings")


def test_full_and_incremental_builds_with_any_number_of_workers_are_byte_for_byte_equal(tmp_path: Path):
    rows = chunks()
    grown = write_chunks(tmp_path / "grown", rows)
    small = write_chunks(tmp_path / "small", [row for row in rows if "fleet" not in row["uri"]])
    MAKER(workspace(tmp_path, "before", chunks=small, cache=tmp_path / "one"))
    produced = MAKER(
        workspace(tmp_path, "after", chunks=grown, previous=tmp_path / "before", cache=tmp_path / "two")
    )
    assert (
        produced.metrics["from_previous"]
        == len({row["embedded_digest"] for row in rows}) - produced.metrics["embedded"]
    )
    assert produced.metrics["embedded"] == 8
    EmbeddingsMaker(workers=2)(workspace(tmp_path, "full", chunks=grown, cache=tmp_path / "three"))
    assert files_of(tmp_path / "after") == files_of(tmp_path / "full")


def test_vectors_of_another_embedder_are_not_taken_over(corpus: Path, tmp_path: Path):
    other = EmbeddingsMaker(model=EmbeddingModel(max_tokens=64), workers=1)
    few = write_chunks(tmp_path / "few", chunks()[:4])
    produced = other(
        workspace(tmp_path, "out", chunks=few, previous=corpus / "embeddings", cache=corpus / "cache")
    )
    assert produced.metrics["embedded"] == produced.metrics["distinct_texts"]


def test_chunks_without_rows_give_an_empty_dataset(tmp_path: Path):
    produced = MAKER(workspace(tmp_path, "out", chunks=write_chunks(tmp_path / "chunks", [])))
    assert produced.rows == 0
    assert embeddings(384).audit(tmp_path / "out").passed


def test_a_worker_that_ends_early_stops_the_build_with_its_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    given = write_chunks(tmp_path / "chunks", chunks()[:2])
    with pytest.raises(WorkerFailed, match="exit code 1"):
        MAKER(workspace(tmp_path, "out", chunks=given))


def test_progress_reaches_the_total(tmp_path: Path):
    seen: list[tuple[int, int]] = []
    space = workspace(tmp_path, "out", chunks=write_chunks(tmp_path / "chunks", chunks()[:6]))
    object.__setattr__(space, "progress", lambda what, done, total: seen.append((done, total)))
    produced = MAKER(space)
    assert seen[-1] == (produced.metrics["embedded"], produced.metrics["embedded"])


@pytest.mark.slow
def test_a_killed_build_leaves_no_worker_and_continues_where_it_was(tmp_path: Path):
    words = ["lake", "river", "delta", "spring", "well", "canal", "marsh", "brook", "fjord", "reef"]
    rows = [
        chunk(f"docs/{number}.md", f"title {number}", " ".join(words * (2 + number % 9)) + f" {number}.")
        for number in range(90)
    ]
    write_chunks(tmp_path / "chunks", rows)
    (tmp_path / "out").mkdir()
    build = subprocess.Popen([sys.executable, "-c", BUILD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert build.stdout is not None
    build.stdout.readline()
    workers = psutil.Process(build.pid).children(recursive=True)
    assert len(workers) == 2
    os.kill(build.pid, signal.SIGKILL)
    build.wait()
    _, alive = psutil.wait_procs(workers, timeout=60)
    assert not alive

    produced = MAKER(workspace(tmp_path, "second", chunks=tmp_path / "chunks"))
    assert 0 < produced.metrics["from_cache"] < 90
    assert produced.metrics["embedded"] == 90 - produced.metrics["from_cache"]
    MAKER(workspace(tmp_path, "fresh", chunks=tmp_path / "chunks", cache=tmp_path / "empty"))
    assert files_of(tmp_path / "second") == files_of(tmp_path / "fresh")


def test_stored_vectors_are_those_of_the_embedder(corpus: Path, embedder):
    table = read_table(corpus / "embeddings")
    texts = read_table(corpus / "chunks", ["embedded_text"])["embedded_text"].to_pylist()
    stored = np.array(table["vector"].to_pylist(), dtype=np.float32)
    assert np.array_equal(stored, embedder.embed(texts))
