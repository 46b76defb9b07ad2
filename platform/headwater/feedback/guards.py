"""The limits of what feedback can do."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(gt=0.0, le=1.0)]
Count = Annotated[int, Field(ge=1)]


class Guards(BaseModel):
    """Defaults are chosen, not measured; `docs/feedback.md` says what each is for.

    Shares are of a window's records (requests and judgements), so that more votes do not raise the cap of
    the one who casts them much. At least one vote a user, and one label a window, is always within them.
    Similarities are Jaccard of the sets of words.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    reviewers: tuple[str, ...] = Field(
        default=(), description="Pseudonyms of users whose word alone makes a label; no user caps for them"
    )
    agreement: Annotated[int, Field(ge=2)] = Field(
        default=2, description="Distinct users who must agree, more than those against"
    )
    alike_claims: Annotated[int, Field(ge=2)] = Field(
        default=5, description="From so many questions led to the same document on, users may count as one"
    )
    alike_share: Share = Field(
        default=0.5, description="They do if these are such a share of all that either of them answers"
    )
    user_share: Share = Field(default=0.02, description="Votes of one user, of a window's records")
    user_daily: Count = Field(default=20, description="Votes of one user on one day (UTC)")
    batch_share: Share = Field(default=0.1, description="Labels from one window, of its records")
    batch_labels: Count = Field(default=50, description="Labels from one window")
    question_similarity: Share = Field(default=0.7, description="From here questions are the same")
    answer_similarity: Share = Field(default=0.85, description="From here answers are the same")
    held_out_similarity: Share = Field(
        default=0.7, description="From here a question is one of the evaluation's"
    )
    least_support: Share = Field(
        default=0.5, description="Share of an answer's words that a retrieved passage must use"
    )
    longest_answer: Count = Field(default=2000, description="Characters of an answer")
    wrong_on_known: Count = Field(
        default=3,
        description="Wrong passages given to evaluation questions, being most, discredit a user",
    )
