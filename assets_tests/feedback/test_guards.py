"""What a vote must be to count, rule by rule, through the maker and a real inference log."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opinions import OPEN, SERVICES, Journal, Product, asked, command, honest, known, labels, quiet, reasons
from pydantic import ValidationError
from small_corpus import files_of

from headwater.feedback.guards import Guards
from headwater.feedback.maker import FeedbackMaker
from headwater.feedback.voices import Voices
from headwater.schemas.feedback import ACCEPTED, REFUSED
from headwater.tables import read_rows

ROOMY = {"user_share": 1.0, "batch_share": 1.0}
TAG, COPY = (asked("bucket", name) for name in ("tag", "copy"))
RIGHT, OTHER = command("bucket", "tag"), command("bucket", "lock")


def correct(journal: Journal, *users: str, question: str = TAG, answer: str = RIGHT) -> list[str]:
    return [journal.correct(user, question, "bucket", answer) for user in users]


def test_two_who_agree_make_a_label(product: Product):
    journal = Journal()
    votes = correct(journal, "ann", "bob")
    made, folder = product.feedback(journal, **ROOMY)
    [label] = read_rows(folder)
    assert (label["question"], label["answer"], label["origin"]) == (TAG, RIGHT, "human")
    assert label["uri"] == "docs/bucket/tag.md"
    assert (label["users"], label["votes"], label["against"]) == (["ann", "bob"], 2, 0)
    assert label["feedback_ids"] == sorted(votes)
    assert label["response_ids"] == [f"chatcmpl-{number:032x}" for number in range(2)]
    assert label["window"].startswith("w-")
    assert (made.rows, made.metrics["votes_accepted"], dict(made.refused)) == (1, 2, {})
    assert ACCEPTED.audit(folder).passed
    assert REFUSED.audit(folder / "refused").passed


def test_one_is_not_enough_unless_a_reviewer(product: Product):
    journal = Journal()
    [vote] = correct(journal, "ann")
    _, folder = product.feedback(journal, **ROOMY)
    assert reasons(folder) == {vote: ("too_few_users", "1 of 2 who must agree")}
    _, folder = product.feedback(journal, **ROOMY, reviewers=("ann",))
    assert labels(folder)[TAG, RIGHT]["reviewed"]


def test_letter_case_and_signs_do_not_keep_answers_apart(product: Product):
    journal = Journal()
    correct(journal, "ann")
    correct(
        journal, "bob", question="what is the way to put labels on the bucket", answer=RIGHT.upper() + "."
    )
    _, folder = product.feedback(journal, **ROOMY)
    assert list(labels(folder)) == [(TAG, RIGHT)]


def test_only_what_was_served_and_answered(product: Product):
    journal = Journal()
    unserved = journal.judge("ann", 10**9, 1)
    failed = journal.judge("ann", journal.ask("ann", TAG, "bucket", "", status=503), -1, RIGHT)
    vectors = journal.judge("ann", journal.ask("ann", "", "bucket", "", route="embeddings"), 1)
    found = journal.judge("ann", journal.ask("ann", TAG, "bucket", "", route="search"), -1, RIGHT)
    _, folder = product.feedback(journal, **ROOMY)
    names = {vote: name for vote, (name, _) in reasons(folder).items()}
    assert names == {
        unserved: "unserved_response",
        failed: "not_an_answer",
        vectors: "not_an_answer",
        found: "too_few_users",
    }


def test_one_vote_a_user_and_response_and_the_newest_counts(product: Product):
    journal = Journal()
    number = journal.ask("ann", TAG, "bucket", "No idea.")
    first = journal.judge("ann", number, -1, OTHER)
    second = journal.judge("ann", number, -1, RIGHT)
    other = journal.judge("bob", number, -1, RIGHT)
    _, folder = product.feedback(journal, **ROOMY)
    assert reasons(folder) == {first: ("superseded", f"by {second}")}
    assert labels(folder)[TAG, RIGHT]["feedback_ids"] == sorted([second, other])


def test_without_a_user_nobody_agrees(product: Product):
    journal = Journal()
    votes = correct(journal, "", "", "ann")
    _, folder = product.feedback(journal, **ROOMY)
    assert [reasons(folder)[vote][0] for vote in votes] == [
        "anonymous_user",
        "anonymous_user",
        "too_few_users",
    ]


def test_a_user_s_votes_are_capped_by_the_window_and_by_the_day(product: Product):
    journal = quiet(Journal(), 70)
    votes = [
        journal.correct("ann", asked(service, "tag"), service, command(service, "tag"))
        for service in SERVICES[:15]
    ]
    _, folder = product.feedback(journal)
    found = reasons(folder)
    assert [found[vote][0] for vote in votes] == ["too_few_users"] * 2 + ["user_over_cap"] * 13
    assert found[votes[2]][1] == "more than 2 of the window's 100 records"
    _, folder = product.feedback(journal, user_share=1.0, user_daily=12)
    found = reasons(folder)
    assert [found[vote][0] for vote in votes].count("user_over_cap") == 3
    assert found[votes[-1]][1] == "more than 12 on 2026-03-01"
    _, folder = product.feedback(journal, reviewers=("ann",))
    assert "user_over_cap" not in {name for name, _ in reasons(folder).values()}


@pytest.mark.parametrize(
    "question",
    [
        known("bucket", "create"),
        "to make a NEW bucket!",
        "To make a new bucket please",
        "I want you to tell me, as soon as you can, how to make a new bucket and nothing else at all",
    ],
)
def test_a_question_of_the_evaluation_is_never_written(product: Product, question: str):
    journal = Journal()
    votes = correct(journal, "ann", "bob", question=question, answer=command("bucket", "create"))
    _, folder = product.feedback(journal, **ROOMY, reviewers=("ann",))
    assert {reasons(folder)[vote][0] for vote in votes} == {"held_out_question"}
    assert "To make a new bucket" in reasons(folder)[votes[0]][1]


def test_who_answers_known_questions_wrongly_is_not_heard(product: Product):
    journal = Journal()
    for service in SERVICES[:3]:
        journal.approve("mallory", known(service, "create"), service, command(service, "delete"))
        journal.approve("ann", known(service, "create"), service, command(service, "create"))
    heard = correct(journal, "ann", "bob")
    [unheard] = correct(journal, "mallory", answer=OTHER)
    _, folder = product.feedback(journal, **ROOMY)
    assert reasons(folder)[unheard] == (
        "unreliable_user",
        "3 of 3 known questions led to a wrong document",
    )
    assert labels(folder)[TAG, RIGHT]["feedback_ids"] == sorted(heard)


def test_what_names_no_answer_teaches_nothing(product: Product):
    journal = Journal()
    number = journal.ask("ann", TAG, "bucket", RIGHT)
    expected = {
        journal.judge("ann", number, -1): "vote_against",
        journal.judge("bob", number, 0): "no_opinion",
        journal.judge("hal", number, -1, "?!"): "vote_against",
        journal.judge("cid", number, None, score=1.0): "no_opinion",
        journal.judge("dan", number, -1, "word " * 500): "too_long",
        journal.judge("eve", number, -1, "Use the power of friendship instead"): "unsupported_answer",
        journal.judge(
            "fay", journal.ask("fay", COPY, "bucket", RIGHT, answerable=False), 1
        ): "declined_answer",
        journal.judge("gus", journal.ask("gus", COPY, "bucket", RIGHT, retrieved=[]), 1): "no_passage",
    }
    _, folder = product.feedback(journal, **ROOMY)
    assert {vote: name for vote, (name, _) in reasons(folder).items()} == expected


def test_bursts_of_one_user_are_one_vote(product: Product):
    journal = Journal()
    questions = [f"{TAG} ({number})" for number in range(8)]
    burst = [journal.correct("ann", question, "bucket", RIGHT) for question in questions]
    _, folder = product.feedback(journal, **ROOMY)
    found = [reasons(folder)[vote] for vote in burst]
    assert [name for name, _ in found] == ["burst"] * 7 + ["too_few_users"]
    assert found[0][1] == f"one of 8 with nearly the same question, as {burst[-1]}"


def test_the_same_answer_to_many_questions_is_one_vote(product: Product):
    journal = Journal()
    votes = [
        journal.correct("ann", f"{word} {asked('bucket', 'tag')} {word}", "bucket", RIGHT)
        for word in (
            "quickly",
            "tell me now in detail and at length",
            "hm, once more from the very beginning,",
        )
    ]
    _, folder = product.feedback(journal, **ROOMY, question_similarity=1.0)
    assert [reasons(folder)[vote][0] for vote in votes] == ["burst", "burst", "too_few_users"]


def test_votes_against_count(product: Product):
    journal = Journal()
    votes = [journal.approve(user, TAG, "bucket", RIGHT) for user in ("ann", "bob")]
    against = [journal.judge("cid", journal.ask("cid", TAG, "bucket", RIGHT), -1)]
    _, folder = product.feedback(journal, **ROOMY)
    assert reasons(folder)[votes[0]] == ("disputed", "2 users for it, 1 against")
    assert reasons(folder)[against[0]][0] == "vote_against"
    journal.approve("dan", TAG, "bucket", RIGHT)
    _, folder = product.feedback(journal, **ROOMY)
    assert (labels(folder)[TAG, RIGHT]["votes"], labels(folder)[TAG, RIGHT]["against"]) == (3, 1)
    _, folder = product.feedback(journal, **ROOMY, reviewers=("cid",))
    assert reasons(folder)[votes[0]] == ("disputed", "a reviewer is against it")


def test_of_two_answers_the_stronger_stays_and_of_equals_none(product: Product):
    journal = Journal()
    weak, strong = correct(journal, "ann", "bob", answer=OTHER), correct(journal, "cid", "dan", "eve")
    _, folder = product.feedback(journal, **ROOMY)
    assert list(labels(folder)) == [(TAG, RIGHT)]
    assert {reasons(folder)[vote][0] for vote in weak} == {"outvoted"}
    correct(journal, "fay", answer=OTHER)
    _, folder = product.feedback(journal, **ROOMY)
    assert labels(folder) == {}
    assert {reasons(folder)[vote][0] for vote in (*weak, *strong)} == {"disputed"}


def test_who_always_votes_alike_has_one_voice(product: Product):
    journal = Journal()
    for service in SERVICES[:5]:
        for user in ("ann", "bob"):
            journal.correct(user, asked(service, "tag"), service, command(service, "tag"))
    _, folder = product.feedback(journal, **ROOMY)
    assert labels(folder) == {}
    assert set(reasons(folder).values()) == {
        ("too_few_users", "1 of 2 who must agree: 2 users who vote alike count as 1")
    }
    journal.correct("cid", asked(SERVICES[0], "tag"), SERVICES[0], command(SERVICES[0], "tag"))
    _, folder = product.feedback(journal, **ROOMY)
    [label] = read_rows(folder)
    assert (label["users"], label["votes"]) == (["ann", "bob", "cid"], 2)


@pytest.mark.parametrize("words", [("", ""), ("use", "run")])
def test_who_votes_alike_has_one_voice_whatever_the_caps_leave(product: Product, words: tuple[str, str]):
    """Each has three votes that count, all with the same words; of the others both say the same in theirs."""
    journal = quiet(Journal(), 100)
    for user, word in zip(("ann", "bob"), words, strict=True):
        for number, service in enumerate(SERVICES[:6]):
            answer = command(service, "tag") if number < 3 else f"{word} {command(service, 'tag')}"
            journal.correct(user, asked(service, "tag"), service, answer)
    given = {"batch_share": 1.0, "user_share": 0.025}
    _, folder = product.feedback(journal, **given)
    assert labels(folder) == {}
    found = list(reasons(folder).values())
    assert Counter(name for name, _ in found) == {"user_over_cap": 6, "too_few_users": 6}
    assert ("too_few_users", "1 of 2 who must agree: 2 users who vote alike count as 1") in found
    _, folder = product.feedback(journal, **given, alike_claims=7)
    assert len(labels(folder)) == 3


def test_what_is_over_the_caps_does_not_keep_users_apart(product: Product):
    """Seven claims in common that count, and as many of each alone that are over the caps."""
    journal = Journal()
    for user, operation in (("ann", "copy"), ("bob", "lock")):
        for asks, services in (("tag", SERVICES[:7]), (operation, SERVICES[7:])):
            for service in services:
                journal.correct(user, asked(service, asks), service, command(service, asks))
    _, folder = product.feedback(journal, **ROOMY, user_daily=7)
    assert labels(folder) == {}
    assert len(labels(product.feedback(journal, **ROOMY, user_daily=24)[1])) == 7


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 4), st.integers(0, 8))
def test_people_who_agree_now_and_then_have_two(product: Product, common: int, alone: int):
    """Fewer answers in common than make two users one: they make labels, whatever else each says."""
    journal = Journal()
    for user, operation in (("ann", "copy"), ("bob", "lock")):
        for service in SERVICES[:common]:
            journal.correct(user, asked(service, "tag"), service, command(service, "tag"))
        for service in SERVICES[common : common + alone]:
            journal.correct(user, asked(service, operation), service, command(service, operation))
    _, folder = product.feedback(journal, **ROOMY)
    assert sorted(question for question, _ in labels(folder)) == sorted(
        asked(service, "tag") for service in SERVICES[:common]
    )


def test_a_voice_says_what_any_of_its_users_says():
    """Ann and bob are alike; cid, who takes turns with them, is like neither and like both together."""
    said = {number: {"ann", "bob"} for number in range(8)}
    said |= {number: {"ann", "cid"} for number in range(8, 12)} | {
        number: {"bob", "cid"} for number in range(12, 16)
    }
    assert Voices([said], Guards()).count(["ann", "bob", "cid"]) == 1
    assert Voices([said], Guards(alike_share=0.9)).count(["ann", "bob", "cid"]) == 3
    assert Voices([said], Guards(reviewers=("bob",))).count(["ann", "bob", "cid"]) == 3


def test_a_window_gives_so_many_labels_and_no_more(product: Product):
    journal = honest(quiet(Journal(), 40))
    made, folder = product.feedback(journal, batch_share=0.05, user_share=1.0)
    assert made.rows == 10
    assert {name for name, _ in reasons(folder).values()} == {"batch_over_cap"}
    made, _ = product.feedback(journal, batch_labels=3, user_share=1.0)
    assert made.rows == 3


def test_an_answer_of_the_model_is_marked_also_when_somebody_copies_it(product: Product):
    journal = Journal()
    journal.ask("zoe", COPY, "bucket", command("bucket", "copy"))
    correct(journal, "ann", "bob", question=COPY, answer=command("bucket", "copy"))
    correct(journal, "ann", "bob")
    _, folder = product.feedback(journal, **ROOMY)
    assert {question: row["origin"] for (question, _), row in labels(folder).items()} == {
        COPY: "model",
        TAG: "human",
    }


def test_nobody_said_anything(product: Product):
    for journal in (Journal(), quiet(Journal(), 20)):
        made, folder = product.feedback(journal)
        assert made.rows == 0
        assert made.checks[0].passed
        assert ACCEPTED.audit(folder).passed
        assert REFUSED.audit(folder / "refused").passed


def test_the_same_log_gives_the_same_bytes(product: Product):
    journal = honest(quiet(Journal(), 100))
    assert files_of(product.feedback(journal)[1]) == files_of(product.feedback(journal)[1])


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", "ann", "bob", "cid", "dan"]),
            st.sampled_from(
                [*(asked(s, o) for s in SERVICES[:3] for o in OPEN), known("event", "list"), "?"]
            ),
            st.sampled_from([None, -1, 0, 1]),
            st.sampled_from(["", "no words: ...", command("archive", "tag"), command("bucket", "lock")]),
            st.booleans(),
        ),
        max_size=30,
    )
)
def test_every_vote_is_in_one_label_or_refused_once(product: Product, votes: list):
    journal = Journal()
    for user, question, vote, correction, served in votes:
        number = journal.ask(user, question, SERVICES[len(question) % 3], command("bucket", "tag"))
        journal.judge(user, number if served else 10**9, vote, correction)
    made, folder = product.feedback(journal, **ROOMY)
    assert made.checks[0].passed
    assert sum(made.refused.values()) + made.metrics["votes_accepted"] == len(votes)
    for label in read_rows(folder):
        assert label["votes"] >= 2 + label["against"]
        assert known("event", "list") != label["question"]


def test_bad_guards_name_the_field():
    with pytest.raises(ValidationError, match="agreement"):
        Guards(agreement=1)
    with pytest.raises(ValidationError, match="user_share"):
        Guards(user_share=2.0)
    with pytest.raises(ValidationError, match="gards"):
        FeedbackMaker.model_validate({"gards": {}})
