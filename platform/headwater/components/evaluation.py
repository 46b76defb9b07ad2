"""Evaluation: questions, the reference profile, the report, and the release that the gate lets through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
from pydantic import Field, field_validator

from headwater.components.assets import Asset
from headwater.components.product_component import ProductAttributes, ProductComponent
from headwater.components.question_language import LANGUAGE_CODE, LANGUAGE_LIBRARIES
from headwater.components.question_scores import SCORES_CODE, SCORES_LIBRARIES
from headwater.evaluate.evaluation import EvaluationMaker
from headwater.evaluate.gate import Gate
from headwater.evaluate.release_decision import ReleaseMaker, default_gate
from headwater.index.questions import QuestionsMaker
from headwater.lake.protocol import Lake
from headwater.lake.publish import Published
from headwater.lake.recipe import Declared, Pin, Recipe
from headwater.monitor.reference import ProfileMaker
from headwater.release import Promotion, baseline, judged_baseline, promote
from headwater.schemas import QUESTIONS, RETRIEVAL_RESULTS
from headwater.settings import MAIN, Settings
from headwater.versions.served_before import served_before

RELEASED = (
    "silver",
    "chunks",
    "questions",
    "embeddings",
    "index",
    "training_set",
    "base_model",
    "model",
    "profile",
    "evaluation",
)
"""What a release names the versions of."""
PROFILE_CODE = (
    "headwater.monitor.reference",
    "headwater.monitor.profile",
    "headwater.monitor.rows",
    "headwater.monitor.clusters",
    "headwater.monitor.null_table",
    "headwater.monitor.profile_files",
    "headwater.monitor.served",
    "headwater.monitor.text_statistics",
)
"""What shapes a profile; the tests that use one do not, and a change of them makes no new release."""
HOLM = "headwater.monitor.correction"


class EvaluationAttributes(ProductAttributes):
    """What `defs.yaml` may say of evaluation and release."""

    questions: QuestionsMaker = Field(
        default_factory=QuestionsMaker, description="Where labelled questions come from"
    )
    evaluation: EvaluationMaker = Field(
        default_factory=EvaluationMaker, description="How much is measured, and how intervals are taken"
    )
    perplexity_questions: int = Field(
        default=100,
        ge=0,
        le=5000,
        description="Questions of the reference profile whose perplexity is taken; 0 for none",
    )
    gate: Gate = Field(default_factory=default_gate, description="What must hold for the release to move")

    @field_validator("evaluation")
    @classmethod
    def _gate_has_one_place(cls, value: EvaluationMaker) -> EvaluationMaker:
        if value.gate is not None:
            raise ValueError(
                "expected no `gate` here: it stands beside `evaluation` and is shown in the report"
            )
        return value


class Evaluation(ProductComponent):
    """Questions, the report on index and model, and the release if the gate passes."""

    attributes_model = EvaluationAttributes
    attributes: EvaluationAttributes

    def assets(self) -> Sequence[Asset]:
        """questions, profile, evaluation, release."""
        given, product = self.attributes, self.product
        decision = ReleaseMaker(gate=given.gate)
        profile = ProfileMaker(title=product, perplexity_questions=given.perplexity_questions)
        evaluation = given.evaluation.model_copy(
            update={"gate": given.gate, "title": f"{product}: evaluation"}
        )

        def against_production(lake: Lake, head: str, versions: Mapping[str, str]) -> Mapping[str, Pin]:
            return baseline(lake, product, versions, head=head)

        def against_same(lake: Lake, head: str, versions: Mapping[str, str]) -> Mapping[str, Pin]:
            return judged_baseline(lake, head, product, versions)

        def before(lake: Lake, head: str, versions: Mapping[str, str]) -> Mapping[str, Pin]:
            return served_before(lake, head, product, versions)

        return [
            Asset(
                Recipe(
                    product,
                    "questions",
                    maker=given.questions,
                    inputs=("silver", "chunks"),
                    code=("headwater.index",),
                    datasets={"": QUESTIONS},
                    config=given.questions.model_dump(mode="json"),
                ),
                tier="gold",
                kinds=("python", "parquet"),
                description="Questions with the passages that answer them; known items without labels.",
            ),
            Asset(
                Recipe(
                    product,
                    "profile",
                    maker=profile,
                    inputs=("questions", "index", "base_model"),
                    code=(*PROFILE_CODE, *SCORES_CODE, *LANGUAGE_CODE, "headwater.index"),
                    config=profile.model_dump(mode="json"),
                    libraries=("faiss-cpu", "numpy", *SCORES_LIBRARIES, *LANGUAGE_LIBRARIES),
                    pins=before,
                ),
                tier="report",
                kinds=("python", "safetensors"),
                description="What questions look like that the release was made for; windows are held to it.",
            ),
            Asset(
                Recipe(
                    product,
                    "evaluation",
                    maker=evaluation,
                    inputs=("questions", "index", "training_set", "base_model", "model"),
                    code=("headwater.evaluate", "headwater.index", "headwater.train", HOLM),
                    datasets={"": RETRIEVAL_RESULTS},
                    config=evaluation.model_dump(mode="json"),
                    libraries=("faiss-cpu", "bm25s", "sacrebleu", "torch", "transformers", "peft"),
                    pins=against_production,
                ),
                tier="report",
                kinds=("python", "matplotlib"),
                description="Recall, MRR, nDCG with intervals beside BM25; the model before and after.",
            ),
            Asset(
                Recipe(
                    product,
                    "release",
                    maker=decision,
                    inputs=RELEASED,
                    code=("headwater.evaluate", HOLM),
                    checks=(Declared("gate", "Every condition of the gate holds", blocking=False),),
                    config=decision.model_dump(mode="json"),
                    pins=against_same,
                ),
                tier="release",
                kinds=("git",),
                description="The gate's decision; when it passes, production takes this over, with a tag.",
                after=_promote,
            ),
        ]


def _promote(context: dg.AssetExecutionContext, settings: Settings, published: Published) -> dict[str, Any]:
    record = published.record
    if settings.branch != MAIN:
        verdict = "passed" if all(check.passed for check in record.outcomes) else "refused"
        return {
            "verdict": f"gate {verdict} on {settings.branch}; production moves from {MAIN} only",
            "release": "",
        }
    promotion = promote(
        settings.open_lake(),
        record.product,
        commit=published.commit,
        home=settings.home,
        metadata={"run_id": context.run.root_run_id or context.run_id, "job": context.job_name},
    )
    context.log.info("%s: %s", record.product, promotion.reason)
    return {"verdict": _verdict(promotion), "release": promotion.release.name if promotion.release else ""}


def _verdict(promotion: Promotion) -> str:
    name = promotion.release.name if promotion.release else "nothing"
    if promotion.moved:
        return f"gate passed: released {name}"
    return f"{promotion.reason}; production holds {name}"
