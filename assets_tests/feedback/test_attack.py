"""500 poisoned votes from 5 users against the real makers and a real lake; `-s` prints what came of them."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import attackers
import dagster as dg
import pytest
from opinions import LABELS, SHARES, Journal, Product, honest, quiet, reasons
from small_corpus import files_of

from headwater.components import Evaluation, LanguageModel
from headwater.components.feedback import feedback_asset
from headwater.feedback.guards import Guards
from headwater.lake import open_lake
from headwater.lake.publish import Published, publish
from headwater.lake.recipe import Recipe
from headwater.tables import read_rows
from headwater.workspace import Produced, Workspace

Attack = Callable[[Journal], list[str]]


def attacked(attack: Attack) -> tuple[Journal, set[str]]:
    """The votes of an attack before those of honest people, in one window."""
    journal = quiet(Journal())
    poisoned = set(attack(journal))
    assert len(poisoned) == attackers.VOTES
    return honest(journal), poisoned


def show(attack: Attack, folder: Path, poisoned: set[str]) -> int:
    """Print what became of the poisoned votes; returns how many labels have one of them."""
    found = reasons(folder)
    table = Counter(found[vote][0] if vote in found else "in a label" for vote in sorted(poisoned))
    labels = sum(bool(poisoned & set(row["feedback_ids"])) for row in read_rows(folder))
    print(f"\n{attack.__name__}: {len(poisoned)} votes of {len(attackers.MALLORYS)} users, {labels} labels")
    for reason, count in table.most_common():
        print(f"  {reason:20} {count:4}")
    return labels


@pytest.mark.parametrize("attack", [attackers.crude, attackers.in_step, attackers.by_turns])
def test_the_training_set_is_the_one_without_the_attack(product: Product, attack: Attack):
    _, expected = product.training_set(product.feedback(honest(quiet(Journal())))[1])
    journal, poisoned = attacked(attack)
    made, labels = product.feedback(journal)
    assert show(attack, labels, poisoned) == 0
    assert made.checks[0].passed
    assert files_of(product.training_set(labels)[1]) == files_of(expected)


def test_who_knows_the_rules_gets_no_further_than_the_caps(product: Product):
    _, clean = product.training_set(product.feedback(honest(quiet(Journal())))[1])
    journal, poisoned = attacked(attackers.spread)
    _, labels = product.feedback(journal)
    guards = Guards()
    assert show(attackers.spread, labels, poisoned) <= guards.user_daily * len(attackers.MALLORYS) // 2
    made, after = product.training_set(labels)
    rows, before = list(read_rows(after)), list(read_rows(clean))
    known = {row["example_id"] for row in before}
    moved = [row for row in rows if row["example_id"] not in known]
    print(
        f"  {len(moved)} of {len(rows)} examples differ; {made.metrics['feedback/share']:.3f} from feedback"
    )
    assert {row["split"] for row in moved} <= {"train"}
    assert len(moved) <= 0.1 * sum(row["split"] == "train" for row in rows)
    held_out = [row for row in rows if row["split"] != "train"]
    assert held_out == [row for row in before if row["split"] != "train"]


def test_nothing_that_judges_a_release_is_made_from_feedback():
    model = LanguageModel(
        "town", LanguageModel.attributes_model.model_validate({"training_set": {**LABELS, "feedback": {}}})
    )
    evaluation = Evaluation("town", Evaluation.attributes_model.model_validate({"questions": LABELS}))
    recipes = [asset.recipe for asset in (*model.assets(), *evaluation.assets())]
    recipes.append(feedback_asset("town", Guards()).recipe)
    inputs = {recipe.asset: recipe.inputs for recipe in recipes}
    readers = {name for name, needed in inputs.items() if "feedback" in needed}
    assert readers == {"training_set"}
    assert "feedback" not in _ancestors("questions", inputs) | _ancestors("index", inputs)


def _ancestors(name: str, inputs: dict[str, tuple[str, ...]]) -> set[str]:
    above = set(inputs.get(name, ()))
    return above.union(*(_ancestors(one, inputs) for one in above))


@pytest.mark.parametrize(
    ("attack", "trained"), [(attackers.crude, 1), (attackers.in_step, 1), (attackers.spread, 2)]
)
def test_an_attack_that_teaches_nothing_trains_no_model(
    product: Product, tmp_path: Path, attack: Attack, trained: int
):
    lake = open_lake(tmp_path / "home" / "lake")
    chain = LanguageModel(
        "town",
        LanguageModel.attributes_model.model_validate(
            {"training_set": {**LABELS, "shares": SHARES.model_dump(), "feedback": {}}}
        ),
    )
    training_set, _, model = (asset.recipe for asset in chain.assets())
    trainings: list[str] = []

    def train(workspace: Workspace) -> Produced:
        trainings.append(workspace.versions["training_set"])
        (workspace.out / "weights").write_text(trainings[-1])
        return Produced(rows=1)

    model = dataclasses.replace(model, maker=train, checks=())
    labels = feedback_asset("town", Guards()).recipe

    def put(name: str, folder: Path, run: str) -> Published:
        def copy(workspace: Workspace) -> Produced:
            for path in sorted(folder.rglob("*.parquet")):
                target = workspace.out / path.relative_to(folder)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())
            return Produced(rows=0)

        return make(Recipe("town", name, copy, code=("headwater.tables",), config={"of": run}), run)

    def make(recipe: Recipe, run: str) -> Published:
        return publish(lake, recipe, target="main", run_id=run, home=tmp_path / "home")

    def learned(journal: Journal, run: str) -> dict[str, Published]:
        put("inference", product.inference(journal), run)
        return {recipe.asset: make(recipe, run) for recipe in (labels, training_set, model)}

    for name in ("silver", "chunks", "questions"):
        put(name, product.folder / name, "first")
    put("base_model", product.folder / "chunks", "first")
    before = learned(honest(quiet(Journal())), "before")
    after = learned(attacked(attack)[0], "after")
    same = {name for name in after if before[name].record.data_version == after[name].record.data_version}
    assert same == ({"training_set", "model"} if trained == 1 else set()), "the refusals are kept"
    assert after["model"].outcome == ("unchanged" if trained == 1 else "published")
    assert len(trainings) == trained


def test_the_asset_shows_its_columns_and_its_check():
    [spec] = [check.name for check in feedback_asset("town", Guards()).recipe.checks]
    assert spec == "every_vote_accounted"
    assert feedback_asset("town", Guards()).key == dg.AssetKey(["town", "feedback"])
