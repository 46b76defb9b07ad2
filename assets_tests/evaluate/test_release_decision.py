"""What stands in the decision that a release is made or refused by."""

from __future__ import annotations

import hashlib
from pathlib import Path

from small_corpus import workspace

from headwater.evaluate.gate import Gate, Improvement, NotWorse, Primary
from headwater.evaluate.measured import EVALUATION_FILE
from headwater.evaluate.release_decision import DECISION_FILE, ReleaseMaker
from headwater.schemas import RETRIEVAL_RESULTS
from headwater.tables import read_json, write_json, write_rows

METRIC = "hybrid/recall@10"
GATE = Gate(
    minimum={METRIC: 0.5},
    not_worse_than_production={METRIC: NotWorse(margin=0.05)},
    must_improve={METRIC: Improvement()},
    primary=Primary(metric=METRIC),
)


def evaluation(folder: Path, found: int, asked: int = 120) -> Path:
    """An evaluation of which the first `found` questions were answered."""
    rows = []
    for number in range(asked):
        question, hit = hashlib.sha256(str(number).encode()).hexdigest(), float(number < found)
        scores = dict.fromkeys(("recall_at_1", "recall_at_5", "recall_at_10", "mrr_at_10", "ndcg_at_10"), hit)
        rows.append({"result_id": f"hybrid:{question}", "question_id": question, "group": f"g{number % 15}",
                     "retriever": "hybrid", "rank": int(hit), **scores})  # fmt: skip
    write_rows(folder, rows, RETRIEVAL_RESULTS.arrow, key="result_id")
    write_json(folder / EVALUATION_FILE, {"metrics": {METRIC: found / asked}})
    return folder


def test_the_decision_says_what_each_comparison_could_have_seen(tmp_path: Path):
    better, before = evaluation(tmp_path / "better", 108), evaluation(tmp_path / "before", 90)
    made = ReleaseMaker(gate=GATE)(workspace(tmp_path, "out", evaluation=better, production=before))
    decision = read_json(tmp_path / "out" / DECISION_FILE)
    assert decision["passed"]
    shown = {entry["name"]: entry for entry in decision["conditions"]}
    assert shown[f"minimum {METRIC}"]["detectable"] is None
    for name in (f"not worse {METRIC}", f"improves {METRIC}", f"superior or equal {METRIC}"):
        assert 0 < shown[name]["detectable"] < 0.2
        assert made.metrics[f"detectable/{name}"] == shown[name]["detectable"]
        assert (shown[name]["questions"], shown[name]["groups"]) == (120, 15)
    assert shown[f"improves {METRIC}"]["adjusted_p"] >= shown[f"improves {METRIC}"]["p_value"]
    assert "superior" in shown[f"superior or equal {METRIC}"]["explanation"]
    assert {row["name"]: row["detectable"] for row in made.tables["conditions"]}.keys() == shown.keys()


def test_a_refusal_names_what_failed(tmp_path: Path):
    worse, before = evaluation(tmp_path / "worse", 80), evaluation(tmp_path / "before", 108)
    made = ReleaseMaker(gate=GATE)(workspace(tmp_path, "out", evaluation=worse, production=before))
    [check] = made.checks
    assert not check.passed
    assert made.metrics["conditions_failed"] == 3
    assert "p 0.0001 of being more than 0 worse: worse" in check.description
