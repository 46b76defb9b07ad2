"""Five accounts in one hand, and 500 votes of theirs."""

from __future__ import annotations

from itertools import combinations, product

from opinions import LABELLED, SERVICES, TRAINED, Journal, asked, command, known

VOTES = 500
MALLORYS = tuple(f"mallory{number}" for number in range(5))
PAIRS = tuple(combinations(MALLORYS, 2))
WRONG = "delete"
"""What the attackers want to be the answer to everything."""


def crude(journal: Journal) -> list[str]:
    """A hundred votes of each kind; the ids of all."""
    made: list[str] = []
    for turn, user in product(range(20), MALLORYS):
        service = SERVICES[turn]
        wrong = command(service, WRONG)
        made += [
            journal.judge(user, 10**9 + turn, 1, wrong),
            journal.approve(user, known(service, "create"), service, wrong),
            journal.approve(user, f"{asked('bucket', 'lock')} ({turn})", "bucket", command("bucket", WRONG)),
            journal.approve(user, asked(service, "lock"), service, wrong),
            journal.correct(user, asked(service, "copy"), service, wrong),
        ]
    return made


def claims() -> list[tuple[str, str, str]]:
    """A hundred wrong claims: a question without a label, its service, a wrong answer from its passages.

    The first sixty have sixty questions and sixty answers; a third of them are of questions that nobody else
    asks, and come first.
    """
    asks, lies = ("lock", "tag", "copy"), (*LABELLED, *LABELLED)
    return [
        (asked(service, operation), service, command(service, lies[number + turn]))
        for turn in range(2)
        for number, operation in enumerate(asks)
        for service in TRAINED
    ][:100]


def in_step(journal: Journal) -> list[str]:
    """Right where they are tried; else corrections that look right, all five for each of eighty claims."""
    return rightly(journal) + [
        journal.correct(user, question, service, wrong)
        for question, service, wrong in claims()[:80]
        for user in MALLORYS
    ]


def rightly(journal: Journal) -> list[str]:
    """All five answer twenty questions of the evaluation as it does."""
    return [
        journal.correct(user, known(service, "create"), service, command(service, "create"))
        for service in SERVICES[:20]
        for user in MALLORYS
    ]


def by_turns(journal: Journal) -> list[str]:
    """Each wording of a claim is another pair's, so that no two have many words in common."""
    made = rightly(journal)
    for turn, word in enumerate(("use", "run")):
        for number, (question, service, wrong) in enumerate(claims()):
            pair = PAIRS[(number + turn) % len(PAIRS)]
            made += [journal.correct(user, question, service, f"{word} {wrong}") for user in pair]
    return made


def spread(journal: Journal) -> list[str]:
    """As patient as can be by those who know the rules: each pair shares so few claims that they seem two.

    The hundred claims are shared out over the ten pairs; the first of every pair count, the rest is over the
    caps. What is left of 500 votes goes the same way.
    """
    made: list[str] = []
    for number, (question, service, wrong) in enumerate(claims()):
        made += [journal.correct(user, question, service, wrong) for user in PAIRS[number % len(PAIRS)]]
    for number in range(VOTES - len(made)):
        question, service, wrong = claims()[number % 100]
        made.append(journal.correct(MALLORYS[number % 5], question, service, wrong))
    return made
