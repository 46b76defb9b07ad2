"""500 poisoned votes of 5 users against a product that was built: what of them reaches its training set?

    python benchmarks/feedback_attack.py aws_assistant --home .headwater
    python benchmarks/feedback_attack.py --retrain

With --retrain the product is built from nothing, cut down, released without votes, and then built on a branch
for each log: taken in as a service's segment, learned from, trained, evaluated and judged by the gate.

Questions are made of the first sentences of passages without a label, in groups of the train split; BM25
finds their passages. Everything is judged by the makers of the product, below a temporary folder.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from _feedback_retrain import PRODUCT, Outcome, Retraining, Small
from _feedback_votes import VOTES, Claim, Votes, crude, honest_votes, in_pairs, in_step, spread
from headwater.feedback.maker import FeedbackMaker
from headwater.inference_log.maker import InferenceMaker, WindowSettings
from headwater.lake import open_lake
from headwater.lake.records import read_record
from headwater.tables import read_rows
from headwater.train.splits import split_of
from headwater.train.training_set import TrainingSetMaker
from headwater.workspace import Workspace

UNJUDGED, JUDGED, FOUND = 1500, 100, 5
SERVICES = "route53,cloudtrail,lambda,events,stepfunctions,dynamodb,sqs"
"""For --retrain: five to train on, whose operations mostly have no label, one to validate and one to test."""
Attack = Callable[[Votes, Sequence[Claim], Sequence[Claim]], None]


class Bench:
    """The product at the head of main, and what the makers make of votes."""

    def __init__(self, product: str, lake_folder: Path, folder: Path) -> None:
        import bm25s

        lake = open_lake(lake_folder)
        head = lake.resolve("main")
        self.inputs = {
            name: lake.fetch(head, f"{product}/{name}/") for name in ("silver", "chunks", "questions")
        }
        record = read_record(lake, head, product, "training_set")
        assert record is not None
        self.maker = TrainingSetMaker.model_validate({**record.config, "feedback": {}})
        self.folder = folder
        self.chunks = list(read_rows(self.inputs["chunks"]))
        self._retriever = bm25s.BM25()
        texts = [row["embedded_text"] for row in self.chunks]
        self._retriever.index(bm25s.tokenize(texts, show_progress=False), show_progress=False)

    def claim(self, question: str, right: str) -> Claim:
        """The wrong answer is the title of the first passage found that is not about the right one."""
        import bm25s

        words = bm25s.tokenize([question], show_progress=False)
        places, _ = self._retriever.retrieve(words, k=FOUND, show_progress=False)
        found = [self.chunks[place] for place in places[0]]
        wrong = [row["title"] for row in found if row["title"] != right]
        return Claim(question, found, right, wrong[0] if wrong else "delete-everything")

    def claims(self) -> list[Claim]:
        """One for each passage of the train split whose document no label names."""
        held_out = {name for row in read_rows(self.inputs["questions"]) for name in row["relevant_chunk_ids"]}
        made: dict[str, Claim] = {}
        for row in self.chunks:
            group = json.loads(row["attributes"]).get(self.maker.group_by or "", "")
            trained = split_of(group, self.maker.shares, self.maker.seed) == "train"
            sentence = " ".join(row["text"].removeprefix(row["title"]).split()).split(". ")[0].rstrip(".")
            if row["chunk_id"] in held_out or not trained or not 4 <= len(sentence.split()) <= 18:
                continue
            verb, _, rest = sentence.partition(" ")
            question = f"How do I {verb.lower().rstrip('s')} {rest} with the command line?"
            if row["title"] not in made:
                made[row["title"]] = self.claim(question, row["title"])
        return list(made.values())

    def held_out(self) -> list[Claim]:
        """Twenty questions of the evaluation, spread over it."""
        rows = list(read_rows(self.inputs["questions"]))
        titles = {row["chunk_id"]: row["title"] for row in self.chunks}
        return [
            self.claim(row["text"], min(titles[name] for name in row["relevant_chunk_ids"]))
            for row in rows[:: max(1, len(rows) // 20)][:20]
        ]

    def learn(self, name: str, votes: Votes) -> tuple[Path, Path, float]:
        """The labels, the training set, and the CPU seconds that judging the votes took."""
        votes.write(self.folder / name / "closed")
        log = InferenceMaker(
            WindowSettings(window_rows=50_000, window_hours=24 * 30), self.folder / name / "closed"
        )
        log(self._workspace(name, "inference"))
        began = time.process_time()
        FeedbackMaker()(self._workspace(name, "feedback", inference=self.folder / name / "inference"))
        seconds = time.process_time() - began
        self.maker(self._workspace(name, "training_set", feedback=self.folder / name / "feedback"))
        return self.folder / name / "feedback", self.folder / name / "training_set", seconds

    def _workspace(self, name: str, asset: str, **inputs: Path) -> Workspace:
        out, scratch = self.folder / name / asset, self.folder / name / f"{asset}-scratch"
        out.mkdir(parents=True)
        scratch.mkdir()
        return Workspace(out, {**self.inputs, **inputs}, None, self.folder / "cache", scratch, _silent)


def main() -> None:
    """Print what becomes of each attack's votes, and how its training set differs from the honest one."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("product", nargs="?", default=PRODUCT)
    parser.add_argument("--home", type=Path, default=Path(".headwater"))
    parser.add_argument(
        "--retrain", action="store_true", help="Train, evaluate and judge what each log gives"
    )
    parser.add_argument("--services", default=SERVICES)
    parser.add_argument("--layers", type=int, default=2, help="Layers of the base model that are kept")
    parser.add_argument("--steps", type=int, default=10, help="Steps of fine-tuning")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if given.retrain:
            retrain(Path(folder), Small(given.services.split(","), given.layers, given.steps))
            return
        bench = Bench(given.product, given.home / "lake", Path(folder))
        claims, held_out = bench.claims(), bench.held_out()
        print(f"{len(bench.chunks):,} passages, {len(claims)} of the train split without a label")
        clean = run(bench, claims, held_out, None, {})
        for attack in (crude, in_step, spread, in_pairs):
            run(bench, claims, held_out, attack, clean)


def retrain(folder: Path, small: Small) -> None:
    """Print for each log what was trained on and released, beside the product without votes."""
    (folder / "base_models").mkdir()
    product = Retraining(folder, small, folder / "base_models")
    outcomes = {"no votes": product.release()}
    _print_outcome("no votes", outcomes["no votes"], None)
    bench = Bench(PRODUCT, folder / "lake", folder / "made")
    claims, held_out = bench.claims(), bench.held_out()
    print(f"{len(bench.chunks):,} passages, {len(claims)} of the train split without a label")
    for attack in (None, spread, in_pairs, in_step, crude):
        name = attack.__name__ if attack else "honest"
        outcomes[name] = product.with_votes(name, _log(claims, held_out, attack))
        _print_outcome(name, outcomes[name], outcomes["honest"])
    for name in ("crude", "in_step", "spread"):
        if outcomes[name] != outcomes["honest"]:
            raise SystemExit(f"{name} moved what is trained on, the model or the gate")


def _print_outcome(name: str, outcome: Outcome, honest: Outcome | None) -> None:
    print(
        f"\n{name}: {outcome.labels} labels in {outcome.examples} train examples, {outcome.poisoned} poisoned"
    )
    for what in ("train", "model", "questions"):
        digest, said = getattr(outcome, what), ""
        if honest is not None and honest is not outcome:
            said = ", as with honest votes" if getattr(honest, what) == digest else ", another"
        print(f"  {what:9} {digest[:16]}{said}")
    print("  " + ", ".join(f"{score} {value:.4f}" for score, value in outcome.scores.items()))
    print(f"  gate {'passed' if outcome.passed else 'refused'}")
    for condition, explanation in outcome.conditions.items():
        print(f"    {condition}: {explanation}")


def run(
    bench: Bench,
    claims: Sequence[Claim],
    held_out: Sequence[Claim],
    attack: Attack | None,
    clean: dict[str, Any],
) -> dict[str, Any]:
    """One log through the makers; returns the rows of the training set by id."""
    name = attack.__name__ if attack else "honest"
    votes = _log(claims, held_out, attack)
    labels, training_set, seconds = bench.learn(name, votes)
    reasons = {row["feedback_id"]: row["reason"] for row in read_rows(labels / "refused")}
    poisoned = sum(bool(votes.poisoned & set(row["feedback_ids"])) for row in read_rows(labels))
    print(f"\n{name}: {len(votes.records):,} records, judged in {seconds:.2f} CPU s")
    for who, ids in (("poisoned", votes.poisoned), ("honest", votes.honest)):
        counts = Counter(reasons.get(one, "in a label") for one in ids).most_common()
        print(f"  {who:9} {', '.join(f'{count} {reason}' for reason, count in counts)}")
    rows = {row["example_id"]: row for row in read_rows(training_set)}
    trained = sum(row["split"] == "train" for row in rows.values())
    learned = sum(row["uri"].startswith("feedback/") for row in rows.values())
    print(f"  {poisoned} poisoned labels; {learned} of {trained:,} train examples are labels")
    if clean:
        moved = [row["split"] for one, row in rows.items() if one not in clean]
        lost = sum(one not in rows for one in clean)
        print(
            f"  against the honest training set: {len(moved)} other examples {set(moved) or ''}, {lost} lost"
        )
    return rows


def _log(claims: Sequence[Claim], held_out: Sequence[Claim], attack: Attack | None) -> Votes:
    """Requests that nobody judges, the attack if there is one, and honest votes."""
    votes = Votes()
    for number in range(UNJUDGED):
        votes.ask(f"silent{number % 200}", f"Tell me about item {number}.", claims[0].found, "Well.")
    if attack is not None:
        attack(votes, claims, held_out)
        assert len(votes.poisoned) == VOTES
    honest_votes(votes, claims[-JUDGED:])
    return votes


def _silent(what: str, done: int, total: int) -> None:
    """No one watches."""


if __name__ == "__main__":
    main()
