"""Classic features of language as annotations: sentences, stop words, stems, lemmas, parts of speech."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Annotated, Any, ClassVar, Literal

import pyarrow as pa
from pydantic import Field

from headwater.curate.sentences import blocks, sentences
from headwater.curate.step import StepSettings, strings, with_columns
from headwater.curate.words import words

Feature = Literal["sentences", "stop_words", "stems", "lemmas", "parts_of_speech"]
# Snowball names its stemmers by language.
_STEMMERS = {
    "ar": "arabic",
    "ca": "catalan",
    "da": "danish",
    "de": "german",
    "en": "english",
    "es": "spanish",
    "fi": "finnish",
    "fr": "french",
    "hu": "hungarian",
    "it": "italian",
    "nl": "dutch",
    "no": "norwegian",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
}


class Annotate(StepSettings):
    """Adds features of classic language processing to `annotations`; changes and refuses nothing.

    `sentences`: begin and end of each sentence, in characters. `stop_words`: share of the words that are stop
    words (stopwords-iso). `stems`: Snowball's stems of the words (Porter, 2001). `lemmas`: dictionary forms
    (simplemma). `parts_of_speech`: universal tags of the tokens of `pipeline`, an installed spaCy model.

    The language is that of the column `language`, else `language`; where a feature does not know it, its
    value is null. All but sentences need the extra `nlp`, parts of speech spaCy and a model;
    `ModuleNotFoundError` says which is missing.
    """

    name: ClassVar[str] = "annotate"
    modules: ClassVar[tuple[str, ...]] = ("headwater.curate.sentences", "headwater.curate.words")
    libraries: ClassVar[tuple[str, ...]] = ("snowballstemmer", "simplemma", "stopwordsiso", "spacy")
    features: Annotated[tuple[Feature, ...], Field(min_length=1)] = ("sentences",)
    language: str = "en"
    pipeline: str = "en_core_web_sm"

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Adds one column for each feature."""
        texts = strings(batch, "text")
        named = "language" in batch.schema.names
        languages = strings(batch, "language") if named else [self.language] * len(texts)
        columns: dict[str, pa.Array] = {}
        for feature in self.features:
            make, kind = _FEATURES[feature]
            values = [make(text, language, self) for text, language in zip(texts, languages, strict=True)]
            columns[feature] = pa.array(values, kind)
        return with_columns(batch, **columns)


def _sentences(text: str, _language: str, _step: Annotate) -> list[list[int]]:
    return [list(span) for block in blocks(text) for span in sentences(text, block.start, block.end)]


def _stop_words(text: str, language: str, _step: Annotate) -> float | None:
    known = _library("stopwordsiso", "nlp")
    if not known.has_lang(language):
        return None
    listed = _listed(language)
    found = words(text.lower())
    return round(sum(word in listed for word in found) / len(found), 4) if found else None


def _stems(text: str, language: str, _step: Annotate) -> list[str] | None:
    algorithm = _STEMMERS.get(language)
    return None if algorithm is None else _stemmer(algorithm)(words(text.lower()))


def _lemmas(text: str, language: str, _step: Annotate) -> list[str] | None:
    library = _library("simplemma", "nlp")
    try:
        return [library.lemmatize(word, lang=language) for word in words(text)]
    except ValueError:
        return None


def _parts_of_speech(text: str, language: str, step: Annotate) -> list[str] | None:
    pipeline = _pipeline(step.pipeline)
    return [token.pos_ for token in pipeline(text)] if pipeline.lang == language else None


_FEATURES: Mapping[Feature, tuple[Callable[[str, str, Annotate], Any], pa.DataType]] = {
    "sentences": (_sentences, pa.list_(pa.list_(pa.int64()))),
    "stop_words": (_stop_words, pa.float64()),
    "stems": (_stems, pa.list_(pa.string())),
    "lemmas": (_lemmas, pa.list_(pa.string())),
    "parts_of_speech": (_parts_of_speech, pa.list_(pa.string())),
}


@cache
def _listed(language: str) -> frozenset[str]:
    return frozenset(_library("stopwordsiso", "nlp").stopwords(language))


@cache
def _stemmer(algorithm: str) -> Callable[[Sequence[str]], list[str]]:
    return _library("snowballstemmer", "nlp").stemmer(algorithm).stemWords


@cache
def _pipeline(name: str) -> Any:
    spacy = _library("spacy", "parity")
    try:
        return spacy.load(name)
    except OSError as error:
        raise ModuleNotFoundError(
            f"pipeline {name!r}: no such spaCy model is installed; install one, or leave parts_of_speech out"
        ) from error


def _library(name: str, extra: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"the step annotate needs {name}: install the extra `{extra}` (pip install 'headwater[{extra}]')"
        ) from error
