"""The datasets of a product's feedback: labels that were agreed on, and every vote that taught nothing."""

from __future__ import annotations

from headwater.schemas.dataset import (
    BOOL,
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

ORIGINS = ("human", "model")

ACCEPTED = Dataset(
    name="feedback_labels",
    description="Questions with a passage and an answer that distinct users, or a reviewer, agree on.",
    key="label_id",
    columns={
        "label_id": column(STRING, "SHA-256 of question, document and answer", SHA256),
        "question": column(STRING, "What was asked, as the first of those who agree asked it", NOT_BLANK),
        "answer": column(STRING, "The answer, as the first of them gave or approved it", NOT_BLANK),
        "origin": column(
            STRING,
            "human: somebody wrote the answer; model: a served answer that was approved or copied",
            Check.isin(ORIGINS),
        ),
        "document_id": column(STRING, "The document whose passage supports the answer", SHA256),
        "uri": column(STRING, "The document's uri", NOT_BLANK),
        "chunk_ids": column(STRINGS, "Its passages that do, sorted", NOT_EMPTY),
        "users": column(STRINGS, "Pseudonyms of those who agree, sorted", NOT_EMPTY),
        "votes": column(INT, "How many they count as: users who vote alike count as one", Check.ge(1)),
        "against": column(INT, "How many voted against the answer, counted so", Check.ge(0)),
        "reviewed": column(BOOL, "Whether a listed reviewer is among those who agree"),
        "response_ids": column(STRINGS, "The responses that were judged, sorted", NOT_EMPTY),
        "feedback_ids": column(STRINGS, "The judgements that count, sorted", NOT_EMPTY),
        "window": column(STRING, "The window in which agreement was reached", NOT_BLANK),
    },
)

REFUSED = Dataset(
    name="feedback_refused",
    description="Every judgement that is not part of a label, with the first rule that it failed.",
    key="feedback_id",
    columns={
        "feedback_id": column(STRING, "The judgement", NOT_BLANK),
        "response_id": column(STRING, "The response that is judged", NOT_BLANK),
        "window": column(STRING, "The window it came in", NOT_BLANK),
        "user": column(STRING, "Pseudonym of the user; empty if none was given"),
        "reason": column(STRING, "One word or a few joined by _: the rule", NOT_BLANK),
        "detail": column(STRING, "The measured value beside the limit"),
        "excerpt": column(STRING, "The beginning of the correction, else of the question"),
    },
)
