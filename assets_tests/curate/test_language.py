from __future__ import annotations

import time

import pyarrow as pa
import pytest

from headwater.curate.language import Language, sample
from headwater.curate.step import REASON

SENTENCES = {
    "en": "The quick brown fox jumps over the lazy dog, and nobody in the village was surprised by that.",
    "de": "Der schnelle braune Fuchs springt über den faulen Hund, und niemand im Dorf staunte darüber.",
    "fr": "Le rapide renard brun saute par-dessus le chien paresseux, et personne ne s'en étonnait.",
    "es": "El rápido zorro marrón salta sobre el perro perezoso, y nadie en el pueblo se sorprendía.",
    "zh": "敏捷的棕色狐狸跳过了懒狗，村里的人们已经不再对此感到惊讶。",
}


def run(step: Language, *texts: str) -> tuple[list[str], list[str | None]]:
    batch = step(pa.RecordBatch.from_pydict({"text": list(texts)}))
    return batch.column("language").to_pylist(), batch.column(REASON).to_pylist()


def test_languages_are_found() -> None:
    languages, reasons = run(Language(), *SENTENCES.values())
    assert languages == list(SENTENCES)
    assert reasons == [None] * len(SENTENCES)


def test_only_sure_other_languages_are_refused() -> None:
    step = Language(keep=("en",), min_letters=20)
    _, reasons = run(step, *SENTENCES.values(), "Get farm.", "aws s3 ls", "12345 67890", "x")
    assert reasons == [None, *["other_language"] * 4, *[None] * 4]


def test_what_is_no_language_is_undetermined() -> None:
    batch = Language()(pa.RecordBatch.from_pydict({"text": ["12 34", "", "https://x.org/abc?d=e"]}))
    assert batch.column("language").to_pylist() == ["und"] * 3
    assert batch.column("language_score").to_pylist() == [0.0] * 3


def test_a_long_text_is_sampled_all_over() -> None:
    text = " ".join([SENTENCES["en"]] * 3 + [SENTENCES["de"]] * 30)
    assert len(sample(text)) < 410
    assert run(Language(), text)[0] == ["de"]


def test_code_does_not_count() -> None:
    assert "=" not in sample("Prose here.\n\n    x = compute(y)\n\nMore `x=1` prose, see https://a=b.")


def test_bad_parameters_are_errors() -> None:
    with pytest.raises(ValueError, match="min_confidence"):
        Language(min_confidence=2)


@pytest.mark.parametrize("piece", ["a", " ", "1", "aB", "-a", "`", "A", "日", "日1", "a.b/"])
def test_hostile_texts_take_linear_time(piece: str) -> None:
    began = time.process_time()
    sample(piece * (1_000_000 // len(piece)))
    assert time.process_time() - began < 5


def test_numbers_in_a_script_without_spaces_do_not_hide_the_language() -> None:
    assert run(Language(), "2024年,这本书的第3章详细介绍了如何使用该系统,以及常见问题的解决方法。")[0] == [
        "zh"
    ]
