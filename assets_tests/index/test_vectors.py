from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from small_corpus import chunk, chunks, files_of, workspace, write_chunks

from headwater.index.nearest import VectorIndex, write_vectors
from headwater.index.search import SearchIndex
from headwater.index.vectors import RECALL_CHECK, IndexMaker
from headwater.schemas import embeddings
from headwater.tables import read_json, read_rows, write_json, write_rows

REBUILD = """
import sys
from pathlib import Path
from headwater.index.search import SearchIndex
from headwater.index.vectors import IndexMaker
from headwater.workspace import Workspace
corpus, out = Path(sys.argv[1]), Path(sys.argv[2])
IndexMaker()(Workspace(out=out, inputs={"chunks": corpus / "chunks", "embeddings": corpus / "embeddings"},
    previous=None, cache=out, scratch=out))
"""


def unit_vectors(rows: int, dimensions: int = 16, seed: int = 0) -> np.ndarray:
    made = np.random.default_rng(seed).standard_normal((rows, dimensions)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def write_embeddings(folder: Path, rows: list[dict], vectors: np.ndarray) -> Path:
    given = [
        {"chunk_id": row["chunk_id"], "embedded_digest": row["embedded_digest"], "vector": vector.tolist()}
        for row, vector in zip(rows, vectors, strict=True)
    ]
    write_rows(folder, given, embeddings(vectors.shape[1]).arrow, key="chunk_id")
    write_json(folder / "embedder.json", {"fingerprint": "f", "dimensions": vectors.shape[1], "model": {}})
    return folder


def test_the_index_says_what_it_is(corpus: Path):
    about = read_json(corpus / "index" / "index.json")
    assert about["rows"] == len(chunks())
    assert about["kind"] == "exact"
    assert about["recall_at_10"] == 1.0
    assert about["embedder"] == read_json(corpus / "embeddings" / "embedder.json")


def test_bytes_do_not_depend_on_the_hash_seed(corpus: Path, tmp_path: Path):
    (tmp_path / "out").mkdir()
    subprocess.run(
        [sys.executable, "-c", REBUILD, str(corpus), str(tmp_path / "out")],
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "77"},
    )
    assert files_of(tmp_path / "out") == files_of(corpus / "index")


def test_no_file_can_run_code_when_it_is_read(corpus: Path):
    for path in (corpus / "index").rglob("*.npy"):
        np.load(path, allow_pickle=False)
    suffixes = {path.suffix for path in (corpus / "index").rglob("*") if path.is_file()}
    assert suffixes == {".npy", ".json", ".arrow", ".faiss"}


def test_many_vectors_are_searched_by_a_graph_whose_recall_is_measured(tmp_path: Path):
    rows = [chunk(f"docs/{number}.md", f"t{number}", f"text {number}") for number in range(400)]
    given = write_chunks(tmp_path / "chunks", rows)
    embedded = write_embeddings(tmp_path / "embeddings", rows, unit_vectors(400))
    made = [
        IndexMaker(exact_up_to=100)(workspace(tmp_path, name, chunks=given, embeddings=embedded))
        for name in ("first", "second")
    ]
    assert files_of(tmp_path / "first") == files_of(tmp_path / "second")
    about = read_json(tmp_path / "first" / "index.json")
    assert about["kind"] == "hnsw"
    assert 0.97 <= about["recall_at_10"] <= 1
    assert [check.name for check in made[0].checks] == [RECALL_CHECK]
    assert made[0].checks[0].passed


def test_recall_is_that_against_exact_search(tmp_path: Path):
    vectors = unit_vectors(3000, 48)
    recall = write_vectors(vectors, tmp_path / "graph", exact=False)
    write_vectors(vectors, tmp_path / "exact", exact=True)
    graph, exact = VectorIndex(tmp_path / "graph"), VectorIndex(tmp_path / "exact")
    own = range(0, 3000, 6)
    shared = []
    for me, left, right in zip(own, graph.rank(vectors[::6], 11), exact.rank(vectors[::6], 11), strict=True):
        both = [[position for position, _ in row if position != me][:10] for row in (left, right)]
        shared.append(len(set(both[0]) & set(both[1])) / 10)
    assert recall == pytest.approx(np.mean(shared))
    assert recall < 1


def test_a_graph_below_the_required_recall_is_not_published(tmp_path: Path):
    rows = [chunk(f"docs/{number}.md", f"t{number}", f"text {number}") for number in range(3000)]
    given = write_chunks(tmp_path / "chunks", rows)
    embedded = write_embeddings(tmp_path / "embeddings", rows, unit_vectors(3000, 48))
    maker = IndexMaker(exact_up_to=100, minimum_recall=1.0)
    produced = maker(workspace(tmp_path, "index", chunks=given, embeddings=embedded))
    assert not produced.checks[0].passed
    assert produced.checks[0].severity == "error"


def test_embeddings_of_other_chunks_are_refused(corpus: Path, tmp_path: Path):
    rows = list(read_rows(corpus / "chunks"))
    swapped = write_chunks(tmp_path / "chunks", [rows[1], rows[0], *rows[2:]])
    with pytest.raises(ValueError, match="row 0 of `embeddings` is not that of `chunks`"):
        IndexMaker()(workspace(tmp_path, "index", chunks=swapped, embeddings=corpus / "embeddings"))
    fewer = write_chunks(tmp_path / "fewer", rows[:-1])
    with pytest.raises(ValueError, match=f"row {len(rows) - 1} "):
        IndexMaker()(workspace(tmp_path, "other", chunks=fewer, embeddings=corpus / "embeddings"))


def test_nothing_to_index_is_said(tmp_path: Path):
    given = write_chunks(tmp_path / "chunks", [])
    embedded = write_embeddings(tmp_path / "embeddings", [], unit_vectors(0))
    with pytest.raises(ValueError, match="nothing to index"):
        IndexMaker()(workspace(tmp_path, "index", chunks=given, embeddings=embedded))


def test_passages_without_a_single_word_are_indexed(tmp_path: Path):
    rows = [{**chunk(f"docs/{mark}.md", "", mark * 3), "embedded_text": mark * 3} for mark in "!?"]
    given = write_chunks(tmp_path / "chunks", rows)
    embedded = write_embeddings(tmp_path / "embeddings", rows, unit_vectors(2))
    IndexMaker()(workspace(tmp_path, "index", chunks=given, embeddings=embedded))
    assert SearchIndex.open(tmp_path / "index").search("anything", 5, "bm25") == []


def test_configuration_names_the_bad_field():
    with pytest.raises(ValidationError, match="minimum_recall"):
        IndexMaker(minimum_recall=1.5)
