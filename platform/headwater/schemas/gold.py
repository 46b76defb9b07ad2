"""The datasets of the gold tier: chunks, embeddings, questions and the training set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headwater.schemas.dataset import (
    FLOAT,
    INT,
    NOT_BLANK,
    NOT_EMPTY,
    SHA256,
    STRING,
    STRINGS,
    Check,
    Dataset,
    column,
)

if TYPE_CHECKING:
    import pandas as pd

SPLITS = ("train", "validation", "test")

CHUNKS = Dataset(
    name="chunks",
    description="Passages of the documents, cut at sections and sentences, that fit the embedding model.",
    key="chunk_id",
    columns={
        "chunk_id": column(STRING, "SHA-256 of document_id and offsets", SHA256),
        "document_id": column(STRING, "The document it is a passage of", SHA256),
        "uri": column(STRING, "The document's uri", NOT_BLANK),
        "raw_digest": column(STRING, "SHA-256 of the original file", SHA256),
        "title": column(STRING, "The document's title"),
        "section": column(STRING, "Headings above the passage, joined by ' > '"),
        "ordinal": column(INT, "Position in the document, from 0", Check.ge(0)),
        "start": column(INT, "First character in the silver text", Check.ge(0)),
        "end": column(INT, "One past the last character in the silver text", Check.gt(0)),
        "text": column(STRING, "The passage: exactly silver text[start:end]", NOT_BLANK),
        "tokens": column(INT, "Tokens of `embedded_text` with the embedding model's tokenizer", Check.gt(0)),
        "embedded_text": column(
            STRING, "What is embedded and indexed: title, section and passage", NOT_BLANK
        ),
        "embedded_digest": column(STRING, "SHA-256 of `embedded_text`", SHA256),
        "attributes": column(STRING, "The document's attributes", NOT_BLANK),
    },
)

CHUNK_STATE = Dataset(
    name="state",
    description="What the next build need not cut again: one row for each document, no text.",
    key="document_id",
    columns={
        "document_id": column(STRING, "The document in silver", SHA256),
        "key": column(pa.binary(16), "Digest of what its passages are made of"),
        "chunks": column(INT, "Its passages; 0 if its source is left out", Check.ge(0)),
        "tokens": column(INT, "Their tokens together", Check.ge(0)),
        "tokens_max": column(INT, "Tokens of the longest", Check.ge(0)),
    },
)

QUESTIONS = Dataset(
    name="questions",
    description="Questions with the chunks that answer them; retrieval is judged on these.",
    key="question_id",
    columns={
        "question_id": column(STRING, "SHA-256 of uri and text", SHA256),
        "text": column(STRING, "The question", NOT_BLANK),
        "group": column(STRING, "What splits are made by, e.g. the service", NOT_BLANK),
        "uri": column(STRING, "Where the question came from", NOT_BLANK),
        "relevant_chunk_ids": column(
            STRINGS,
            "Chunks that answer it, sorted",
            NOT_EMPTY,
        ),
        "origin": column(
            STRING,
            "labelled: from the source; known_item: a sentence of the chunk itself",
            Check.isin(["labelled", "known_item"]),
        ),
    },
)

TRAINING_SET = Dataset(
    name="training_set",
    description="Chat-formatted examples, split so that no group stands in two splits.",
    key="example_id",
    columns={
        "example_id": column(STRING, "SHA-256 of uri and messages", SHA256),
        "uri": column(STRING, "Where the example came from", NOT_BLANK),
        "raw_digest": column(STRING, "SHA-256 of the original file", SHA256),
        "group": column(STRING, "What splits are made by, e.g. the service", NOT_BLANK),
        "split": column(STRING, "train, validation or test", Check.isin(SPLITS)),
        "prompt": column(STRING, "What the user says, passages included", NOT_BLANK),
        "completion": column(STRING, "What the assistant should answer", NOT_BLANK),
        "messages": column(STRING, "The chat as JSON: list of {role, content}", NOT_BLANK),
        "context_uris": column(STRINGS, "Documents whose passages stand in the prompt"),
        "origin": column(
            STRING,
            "labelled: from the source; passage: made from a document; feedback: an answer that users agreed "
            "on; model: one that our own model wrote and users approved",
            Check.isin(["labelled", "passage", "feedback", "model"]),
        ),
    },
)


def embeddings(dimensions: int) -> Dataset:
    """One unit vector per chunk; the number of dimensions is the embedding model's."""
    vector = pa.list_(pa.float32(), dimensions)
    return Dataset(
        name="embeddings",
        description="One unit vector per chunk.",
        key="chunk_id",
        columns={
            "chunk_id": column(STRING, "The chunk", SHA256),
            "embedded_digest": column(STRING, "SHA-256 of the text that was embedded", SHA256),
            "vector": column(
                vector,
                f"{dimensions} float32, Euclidean norm 1",
                Check.that(_unit_norm, "unit_norm"),
            ),
        },
    )


def _unit_norm(vectors: pd.Series) -> pd.Series:
    import pandas as pd

    array = pa.array(vectors.array)
    flat = np.asarray(pc.call_function("list_flatten", [array]), dtype=np.float32)
    norms = np.linalg.norm(flat.reshape(len(vectors), -1), axis=1)
    return pd.Series(np.abs(norms - 1.0) < 1e-3, index=vectors.index)


RETRIEVAL_RESULTS = Dataset(
    name="retrieval_results",
    description=(
        "How each retriever answered each question; intervals and the gate pair these. Passages are judged "
        "by document: one counts if it belongs to a document that answers, and each document counts once."
    ),
    key="result_id",
    columns={
        "result_id": column(STRING, "<retriever>:<question_id>", NOT_BLANK),
        "question_id": column(STRING, "The question", SHA256),
        "group": column(STRING, "The question's group: what intervals resample", NOT_BLANK),
        "retriever": column(STRING, "dense, bm25 or hybrid", Check.isin(["dense", "bm25", "hybrid"])),
        "rank": column(
            INT,
            "Rank of the first passage of an answering document from 1; 0 if not among the first 10",
            Check.in_range(0, 10),
        ),
        "recall_at_1": column(
            FLOAT, "Share of answering documents with a passage ranked first", Check.in_range(0, 1)
        ),
        "recall_at_5": column(
            FLOAT,
            "Share of answering documents with a passage among the first 5",
            Check.in_range(0, 1),
        ),
        "recall_at_10": column(
            FLOAT,
            "Share of answering documents with a passage among the first 10",
            Check.in_range(0, 1),
        ),
        "mrr_at_10": column(FLOAT, "1 / rank; 0 if not found", Check.in_range(0, 1)),
        "ndcg_at_10": column(
            FLOAT,
            "Normalized discounted cumulative gain: gain 1 for the first passage of each answering document",
            Check.in_range(0, 1),
        ),
    },
)
