"""A person is forgotten: in windows, segments, feedback, labels and training data, now and in the past."""

from __future__ import annotations

import functools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import tiny_product
from lakefs_double import Double
from logged import entry, feedback, request, segment
from readable import everything
from typer.testing import CliRunner, Result

from headwater.building import build
from headwater.cli.app import app
from headwater.components.assets import build_assets
from headwater.components.feedback import feedback_asset
from headwater.components.inference import inference_asset
from headwater.feedback.guards import Guards
from headwater.fingerprint import canonical_json
from headwater.inference_log.maker import WindowSettings
from headwater.inference_log.places import Places
from headwater.inference_log.privacy import KEY_VARIABLE, pseudonym
from headwater.lake import Gone, Lake
from headwater.lake.erased import erasures_path
from headwater.release import current_release, promote, renew_log
from headwater.tables import read_rows

KEY = "a key that only the service has"
LEARNED = ["raw", "bronze", "silver", "chunks", "questions", "inference", "feedback", "training_set"]
ALICE = ("alice@example.org", "her own window seat", "not her window seat", "session-of-alice")
"""What must be found nowhere: her name, her words, what another says of them, her session."""


def known_as(name: str, kind: str = "user") -> str:
    return pseudonym(KEY.encode(), kind, name)


def definitions(sources: Path, *, learns: bool = True) -> dg.Definitions:
    """The tiny product with its log in windows of six, and labels, which may be trained on."""
    training_set: dict[str, Any] = {
        "sources": ["questions"],
        "relevant_by": ["service", "operation"],
        "group_by": "service",
        "context_sources": ["docs"],
        "shares": {"train": 0.5, "validation": 0.2, "test": 0.3},
        "feedback": {},
    }
    added = [inference_asset("tiny", WindowSettings(window_rows=6)), feedback_asset("tiny", Guards())]
    model = {"model": {"base_model": {"layers": 2}, "training_set": training_set}} if learns else {}
    return dg.Definitions.merge(
        tiny_product.definitions(sources, **model),
        dg.Definitions(assets=build_assets(added, owner="team:data")),
    )


class Journal:
    """What a service logs, under pseudonyms, about real passages of the product."""

    def __init__(self, lake: Lake) -> None:
        self.lines: list[bytes] = []
        self.chunks = {
            row["title"]: row
            for row in read_rows(lake.fetch("main", "tiny/chunks/"))
            if "tag-" in row["title"]
        }

    def ask(self, user: str, question: str, about: str = "fleet", **given: Any) -> int:
        chunk = self.chunks[f"{about} tag-{about}"]
        found = {name: chunk[name] for name in ("chunk_id", "document_id", "uri")}
        record = request(
            len(self.lines),
            user=known_as(user),
            question=question,
            retrieved=[{**found, "score": 1.0, "similarity": 0.5}],
            **given,
        )
        self.lines.append(entry(len(self.lines), record))
        return len(self.lines) - 1

    def judge(self, user: str, on: int, correction: str) -> None:
        number = len(self.lines)
        record = feedback(number, on, minutes=number, user=known_as(user), vote=-1, correction=correction)
        self.lines.append(entry(number, record))

    def agree(self, users: tuple[str, str], service: str) -> None:
        """Two users correct an answer alike."""
        for user in users:
            on = self.ask(user, f"What puts my very own stickers onto some {service}?", service)
            self.judge(user, on, f"{service} tag-{service} adds labels that are kept beside the {service}")


def write_log(folder: Path, lake: Lake) -> None:
    """Two full windows, in which alice made a label with bob, and bob another with carol; some lines wait."""
    alice, own_words, of_others, session = ALICE
    log = Journal(lake)
    log.agree((alice, "bob"), "fleet")
    about = log.ask(alice, f"Where is {own_words}?")
    log.judge("bob", about, f"That is {of_others}")
    for number in range(3):
        log.ask(f"guest{number}", f"Tell me of item {number}")
    log.agree(("bob", "carol"), "domain")
    log.ask("dora", "And what of me?", session=known_as(session, "session"))
    for number in range(3):
        log.ask(f"guest{number}", f"Tell me of thing {number}")
    log.judge("carol", log.ask(alice, f"Is {own_words} free?"), f"No, {of_others}")
    log.ask("bob", "Still waiting?")
    segment(Places.of(folder / "home", "tiny").closed, log.lines)


def build_all(folder: Path, location: str, branch: str = "main") -> None:
    result = build(
        "tiny",
        select=LEARNED,
        branch=branch,
        definitions=definitions(folder / "sources"),
        instance=dg.DagsterInstance.ephemeral(),
        home=str(folder / "home"),
        lake=location,
    )
    assert result.succeeded, result.reason


@pytest.fixture(scope="module")
def made(
    tmp_path_factory: pytest.TempPathFactory, build_corpus, settings_of, lake_of, double: Double
) -> Callable[[str], Path]:
    """The product with its log in a store, made once: what was built before there was a log, and after."""

    @functools.cache
    def make(store: str) -> Path:
        folder = tmp_path_factory.mktemp(store)
        tiny_product.write_sources(folder / "sources")
        if store == "lakefs":
            (folder / "location").write_text(double.new_repository())
        build_corpus(folder)
        write_log(folder, lake_of(folder))
        build_all(folder, settings_of(folder).lake)
        return folder

    return make


@pytest.fixture
def logged(made: Callable[[str], Path], store: str, tmp_path: Path, double: Double) -> Path:
    """A copy that a test may change."""
    shutil.copytree(made(store), tmp_path / "logged")
    if store == "lakefs":
        location = tmp_path / "logged" / "location"
        location.write_text(double.clone(location.read_text()))
    return tmp_path / "logged"


@pytest.fixture
def headwater(monkeypatch: pytest.MonkeyPatch, settings_of) -> Callable[..., Result]:
    """Runs a command on a folder, with the service's key in the environment."""

    def run(folder: Path, *arguments: str, code: int = 0, key: str = KEY, learns: bool = True) -> Result:
        monkeypatch.setenv(KEY_VARIABLE, key)
        monkeypatch.setenv("HEADWATER_HOME", str(folder / "home"))
        monkeypatch.setenv("HEADWATER_LAKE", settings_of(folder).lake)
        loaded = definitions(folder / "sources", learns=learns)
        monkeypatch.setattr("headwater.building.load_definitions", lambda: loaded)
        result = CliRunner().invoke(app, list(arguments))
        assert result.exit_code == code, (result.exit_code, result.output, result.exception)
        return result

    return run


def forget_alice(*more: str) -> tuple[str, ...]:
    return ("forget", "tiny", "--user", ALICE[0], *more)


def traces(content: bytes) -> list[str]:
    """What of alice stands there: her words, her pseudonym, her responses."""
    asked = {f"chatcmpl-{number:032x}" for number in (0, 4, 17)}
    marks = {*ALICE, known_as(ALICE[0])}
    return sorted(mark for mark in asked | marks if mark.encode() in content)


def segments_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in Places.of(folder / "home", "tiny").root.rglob("*.jsonl"))


def learned(lake: Lake, ref: str) -> list[str]:
    """The answers of labels that are trained on."""
    rows = read_rows(lake.fetch(ref, "tiny/training_set/"))
    return [row["completion"].split()[0] for row in rows if row["uri"].startswith("feedback/")]


def without_list(lake: Lake, ref: str) -> bytes:
    """What can be read but the erasure list, which keeps pseudonyms and ids out of later windows."""
    return everything(lake, ref, but=erasures_path("tiny"))


def past_holds(lake: Lake) -> list[str]:
    """Commits of any branch in which something of alice can be read."""
    commits = {commit.id for branch in lake.refs("branch") for commit in lake.log(branch)}
    found: list[str] = []
    for commit in sorted(commits):
        try:
            found += [commit] if traces(without_list(lake, commit)) else []
        except Gone:
            continue
    return found


@pytest.mark.parametrize("store", ["embedded", "lakefs"])
def test_a_user_is_forgotten_wherever_the_log_led(
    logged: Path, store: str, lake_of, settings_of, headwater, double: Double
) -> None:
    lake = lake_of(logged)
    assert learned(lake, "main") == ["domain", "fleet"]
    lake.create_branch("dev-bob", "main")
    dry = json.loads(headwater(logged, *forget_alice("--dry-run", "--json")).stdout)
    # Two requests, her judgement of one and bob's of the other; the segment has these too, and two that wait.
    assert (dry["in_windows"], dry["in_segments_here"], dry["labels"]) == (4, 6, 1)
    assert dry["was_in"].keys() == {"inference", "feedback", "training_set"}
    assert "6 in segments" in headwater(logged, *forget_alice("--dry-run")).stdout
    assert traces(without_list(lake, "main"))
    done = json.loads(headwater(logged, *forget_alice("--reason", "asked to", "--json")).stdout)
    assert done["complete"]
    assert (done["log_rows"], done["log_lines"], done["labels"]) == (6, 6, 1)
    assert traces(without_list(lake, "main")) == []
    assert traces(segments_of(logged)) == []
    assert learned(lake, "main") == ["domain"], "bob and carol still agree"
    assert len(list(read_rows(lake.fetch("main", "tiny/inference/")))) == 10
    assert done["branches_that_hold_it"] == ["dev-bob"]
    report = next((logged / "home" / "erasures").glob("*.md")).read_text()
    assert "HEADWATER_BRANCH=dev-bob" in report
    assert not any(word in report + json.dumps(done) for word in ALICE)
    assert (
        set(past_holds(lake))
        == {holder["commit"] for holder in done["past"]} & set(past_holds(lake))
        != set()
    )
    head = lake.resolve("main")
    if store == "embedded":
        again = json.loads(headwater(logged, *forget_alice("--sweep", "--json")).stdout)
        assert again["swept"]["payloads"] > 0
        assert list(lake.verify(deep=True)) == []
    else:
        left = json.loads(headwater(logged, *forget_alice("--sweep", "--json"), code=2).stdout)
        assert left["unlinked"]["payloads"] > 0
        assert past_holds(lake)
        double.collect(settings_of(logged).lake)
        shutil.rmtree(logged / "home" / "cache", ignore_errors=True)
        lake = lake_of(logged)
    assert past_holds(lake) == []
    once_more = json.loads(headwater(logged, *forget_alice("--sweep", "--json")).stdout)
    assert (once_more["complete"], once_more["log_rows"]) == (True, 0)
    assert lake.resolve("main") == head, "nothing was left to do"


def test_who_was_forgotten_stays_out_and_others_do_not(logged: Path, lake_of, headwater, settings_of) -> None:
    headwater(logged, *forget_alice())
    places, late = Places.of(logged / "home", "tiny"), []
    for number, user in enumerate((ALICE[0], "bob", "erin", ALICE[0], "bob", "erin", "erin"), 30):
        late.append(entry(number, request(number, user=known_as(user), question=f"Late {number}")))
    # What a service on another machine logged before.
    segment(places.closed, [entry(40, feedback(40, 0, minutes=40, correction=ALICE[2])), *late], count=9)
    build_all(logged, settings_of(logged).lake)
    lake = lake_of(logged)
    assert traces(without_list(lake, "main")) == []
    users = [row["user"] for row in read_rows(lake.fetch("main", "tiny/inference/"))]
    assert users.count(known_as("erin")) == 3


def test_a_session_and_a_pseudonym(logged: Path, lake_of, headwater) -> None:
    headwater(logged, "forget", "tiny", "--session", ALICE[3])
    rows = list(read_rows(lake_of(logged).fetch("main", "tiny/inference/")))
    assert (len(rows), {row["session"] for row in rows}) == (11, {""})
    headwater(logged, "forget", "tiny", "--pseudonym", known_as("bob"), key="")
    assert known_as("bob").encode() not in without_list(lake_of(logged), "main") + segments_of(logged)
    assert learned(lake_of(logged), "main") == [], "a label needs two users"


@pytest.mark.parametrize(
    ("arguments", "key", "told"),
    [
        (("--user", ALICE[0]), "", KEY_VARIABLE),
        (("--user", ALICE[0]), "short", "at least 16 bytes"),
        (("--user", ALICE[0]), "another key of another service", "the key that the service had"),
        (("--user", "nobody"), KEY, "knows no "),
        (("--pseudonym", "nobody"), KEY, "16 hex digits"),
        (("--user", "a", "--session", "b"), KEY, "exactly one of --document"),
        ((), KEY, "got none"),
    ],
)
def test_mistakes_are_told_and_change_nothing(
    logged: Path, lake_of, headwater, arguments: tuple[str, ...], key: str, told: str
) -> None:
    head = lake_of(logged).resolve("main")
    failed = headwater(logged, "forget", "tiny", *arguments, key=key, code=1)
    assert told in failed.stderr
    assert ALICE[0] not in failed.output
    assert lake_of(logged).resolve("main") == head
    assert not Places.of(logged / "home", "tiny").key.exists()


def test_the_key_may_be_the_log_s_own(logged: Path, headwater) -> None:
    Places.of(logged / "home", "tiny").key.write_text(KEY + "\n")
    dry = json.loads(headwater(logged, *forget_alice("--dry-run", "--json"), key="").stdout)
    assert dry["pseudonyms"] == [known_as(ALICE[0])]


class Killed(BaseException):
    """The end of a process, where it is."""


def _killed(*_: object, **__: object) -> None:
    raise Killed


CUTS = {
    "listed": "headwater.versions.forgetting.erase_waiting",
    "overwritten": "headwater.versions.forgetting._rebuild",
    "rebuilt": "headwater.versions.forgetting.past",
    "half swept": "headwater.versions.forgetting._clear_caches",
}


@pytest.mark.parametrize(
    "cut", [cut if cut == "half swept" else pytest.param(cut, marks=pytest.mark.thorough) for cut in CUTS]
)
def test_what_was_cut_short_goes_on(logged: Path, lake_of, headwater, monkeypatch, cut: str) -> None:
    lake = lake_of(logged)
    with monkeypatch.context() as patch:
        patch.setattr(CUTS[cut], _killed)
        if cut == "half swept":
            erase, stages = type(lake).erase, iter(range(9))
            patch.setattr(
                type(lake), "erase", lambda self, some: _killed() if next(stages) else erase(self, some)
            )
        with pytest.raises(Killed):
            headwater(logged, *forget_alice("--sweep"))
    assert past_holds(lake)
    done = json.loads(headwater(logged, *forget_alice("--sweep", "--json")).stdout)
    assert done["complete"]
    assert done["swept"]["payloads"] > 0
    assert past_holds(lake) == []
    assert traces(without_list(lake, "main") + segments_of(logged)) == []


@pytest.mark.parametrize("store", ["embedded", "lakefs"])
def test_a_rollback_is_refused_only_to_what_learned_from_a_person(
    logged: Path, store: str, lake_of, headwater
) -> None:
    lake, home = lake_of(logged), logged / "home"

    def released(number: int) -> None:
        decision = {"passed": True, "conditions": [], "parts": {"training_set": f"made up {number}"}}
        with lake.change("main", "decide") as change:
            change.put("tiny/release/decision.json", canonical_json(decision).encode())
        assert promote(lake, "tiny", commit=lake.resolve("main"), home=home, metadata={}).moved

    released(1)
    done = json.loads(headwater(logged, *forget_alice("--reason", "asked to", "--json")).stdout)
    assert done["releases"] == {"tiny-v1": ["training_set"]}
    released(2)
    released(3)
    # Dora's session stands in the log alone, of releases as well: it is no part of any.
    done = json.loads(headwater(logged, "forget", "tiny", "--session", ALICE[3], "--json").stdout)
    assert done["releases"] == {"tiny-v1": [], "tiny-v2": [], "tiny-v3": []}
    assert (
        "none did" in max((home / "erasures").glob("*.md"), key=lambda path: path.stat().st_mtime).read_text()
    )
    refused = headwater(logged, "rollback", "tiny", "tiny-v1", code=1)
    assert "tiny-v1 held in training_set what was erased since" in refused.stderr.replace("\n", " ")
    assert f"inference/people/{known_as(ALICE[0])} (asked to)" in refused.stderr.replace("\n", " ")
    headwater(logged, "rollback", "tiny")
    release = current_release(lake, "tiny")
    assert release is not None
    assert release.name == "tiny-v2"
    assert traces(without_list(lake, "production")) == []
    sessions = {row["session"] for row in read_rows(lake.fetch("production", "tiny/inference/"))}
    assert sessions == {""}


@pytest.mark.thorough
def test_production_lets_go_of_the_log_without_another_release(copy, headwater, lake_of, settings_of) -> None:
    lake, folder = copy.lake, copy.folder
    write_log(folder, lake)
    built = build(
        "tiny",
        select=["inference", "feedback"],
        definitions=definitions(folder / "sources", learns=False),
        instance=dg.DagsterInstance.ephemeral(),
        home=str(folder / "home"),
    )
    assert built.succeeded, built.reason
    before = current_release(lake, "tiny")
    assert renew_log(lake, "tiny", commit=lake.resolve("main"), home=folder / "home", metadata={})
    assert traces(without_list(lake, "production"))
    assert not renew_log(lake, "tiny", commit=lake.resolve("main"), home=folder / "home", metadata={})
    done = json.loads(headwater(folder, *forget_alice("--sweep", "--json"), learns=False).stdout)
    assert done["complete"]
    assert not done["production_holds_it"]
    assert traces(without_list(lake, "production")) == []
    assert past_holds(lake) == []
    assert current_release(lake, "tiny") == before
