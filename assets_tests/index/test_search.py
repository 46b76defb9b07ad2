from __future__ import annotations

import math
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_corpus import chunks

from headwater.index.embedder import Embedder, EmbeddingModel
from headwater.index.lexical import tokens_of
from headwater.index.search import EmbedderMismatch, SearchIndex, fuse
from headwater.tables import read_table

WITHOUT_TORCH = """
import sys
from pathlib import Path
from headwater.index.search import SearchIndex
hit = SearchIndex.open(Path(sys.argv[1])).search("labels beside the bucket", 1, "bm25")[0]
print(hit.title, sorted({"torch", "transformers", "faiss", "pandas", "dagster"} & set(sys.modules)))
"""


@pytest.fixture(scope="module")
def index(corpus: Path, embedder: Embedder) -> SearchIndex:
    return SearchIndex.open(corpus / "index", embedder)


def test_finds_by_meaning_what_shares_no_word(index: SearchIndex):
    hits = index.search("throw away an internet name", 4, "dense")
    assert "domain delete-domain" in {hit.title for hit in hits}


@pytest.mark.parametrize("method", ["dense", "bm25", "hybrid"])
def test_every_method_finds_the_plain_case(index: SearchIndex, method: str):
    hits = index.search("delete a bucket and everything attached to it", 3, method)
    assert hits[0].title == "bucket delete-bucket"
    assert len(hits) == 3
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_a_hit_leads_back_to_its_document(index: SearchIndex):
    hit = index.search("labels that are kept beside the fleet", 1, "bm25")[0]
    [row] = [row for row in chunks() if row["chunk_id"] == hit.chunk_id]
    for name in ("document_id", "uri", "title", "section", "text", "start", "end", "raw_digest"):
        assert getattr(hit, name) == row[name]


def test_dense_scores_are_exact_cosines(index: SearchIndex, corpus: Path, embedder: Embedder):
    stored = np.array(read_table(corpus / "embeddings", ["vector"])["vector"].to_pylist())
    expected = stored @ embedder.embed(["see every cluster"])[0]
    found = index.rank(["see every cluster"], 10, "dense")[0]
    assert [score for _, score in found] == pytest.approx(sorted(expected, reverse=True)[:10], abs=1e-5)
    assert [expected[position] for position, _ in found] == pytest.approx([score for _, score in found])


def test_bm25_scores_are_those_of_the_formula(index: SearchIndex):
    documents = [tokens_of(row["embedded_text"]) for row in chunks()]
    mean = sum(map(len, documents)) / len(documents)
    query = "labels kept beside the archive"
    expected = np.zeros(len(documents))
    for token in tokens_of(query):
        holding = sum(token in document for document in documents)
        idf = math.log(1 + (len(documents) - holding + 0.5) / (holding + 0.5))
        for position, document in enumerate(documents):
            count = Counter(document)[token]
            expected[position] += idf * count / (count + 1.5 * (1 - 0.75 + 0.75 * len(document) / mean))
    found = index.rank([query], len(documents), "bm25")[0]
    order = sorted(np.flatnonzero(expected), key=lambda position: (-round(expected[position], 4), position))
    assert [round(score, 3) for _, score in found] == [round(expected[position], 3) for position in order]
    assert {position for position, _ in found} == set(order)


def test_hybrid_fuses_the_ranks_of_both(index: SearchIndex):
    query = ["put labels on an archive"]
    dense, words = index.rank(query, 100, "dense")[0], index.rank(query, 100, "bm25")[0]
    assert index.rank(query, 5, "hybrid")[0] == fuse(dense, words)[:5]
    assert index.rank_by_all(query, 5)["hybrid"][0] == fuse(dense, words)[:5]


def test_fusion_adds_reciprocal_ranks():
    fused = fuse([(7, 0.9), (3, 0.8)], [(3, 12.0), (5, 1.0)])
    assert [position for position, _ in fused] == [3, 7, 5]
    assert fused[0][1] == pytest.approx(1 / 62 + 1 / 61)


def test_one_query_and_many_agree(index: SearchIndex):
    queries = ["make a new event", "see every fleet", "paint the fence"]
    for method in ("dense", "bm25", "hybrid"):
        for query, ranking in zip(queries, index.rank(queries, 5, method), strict=True):
            together = [hit.chunk_id for hit in index.hits(ranking)]
            assert [hit.chunk_id for hit in index.search(query, 5, method)] == together


def test_words_that_no_passage_holds_find_nothing_by_bm25_and_something_by_meaning(index: SearchIndex):
    assert index.search("Zwiebelkuchen", 5, "bm25") == []
    assert len(index.search("Zwiebelkuchen", 5, "hybrid")) == 5


def test_more_than_there_is_gives_all(index: SearchIndex):
    assert len(index.search("bucket", 10_000, "dense")) == len(index) == len(chunks())


@given(st.text(min_size=1, max_size=200).filter(str.strip))
def test_any_text_is_a_query(corpus: Path, text: str):
    for hit in SearchIndex.open(corpus / "index").search(text, 3, "bm25"):
        assert hit.score > 0


@pytest.mark.parametrize(
    ("query", "k", "method", "message"),
    [
        ("bucket", 3, "magic", "method must be one of dense, bm25, hybrid, not 'magic'"),
        ("  \n", 3, "bm25", "the query is blank"),
        ("bucket", 0, "bm25", "k must be at least 1, not 0"),
    ],
)
def test_bad_arguments_are_named(index: SearchIndex, query: str, k: int, method: str, message: str):
    with pytest.raises(ValueError, match=message):
        index.search(query, k, method)


def test_another_embedder_is_a_hard_error(corpus: Path):
    with pytest.raises(EmbedderMismatch, match="the index was made by embedder"):
        SearchIndex.open(corpus / "index", Embedder(EmbeddingModel(max_tokens=128)))


def test_a_folder_that_is_no_index(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        SearchIndex.open(tmp_path)


def test_word_search_opens_without_anything_heavy(corpus: Path):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, str(corpus / "index")],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "bucket tag-bucket []"
