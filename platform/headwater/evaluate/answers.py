"""How generated answers are scored against the expected ones."""

from __future__ import annotations

from collections.abc import Sequence


def command_of(answer: str, first_word: str) -> str:
    """The command in an answer: from the first line that begins with `first_word` to the next blank line.

    Prose before it, code fences, backticks and a `$` prompt are passed over, so that a talkative model is
    judged by the command it names. An answer without such a line is returned as it is.
    """
    lines = [line.strip().strip("`").removeprefix("$ ").strip() for line in answer.splitlines()]
    for start, line in enumerate(lines):
        if line.split(" ", 1)[0] == first_word:
            rest = lines[start:]
            end = rest.index("") if "" in rest else len(rest)
            return "\n".join(rest[:end])
    return answer.strip()


def leading_words_match(answer: str, expected: str, words: int) -> bool:
    """Whether the first `words` words are the same; all of them where `expected` has fewer."""
    want = expected.split()[:words]
    return bool(want) and command_of(answer, want[0]).split()[: len(want)] == want


def chrf_scores(answers: Sequence[str], expected: Sequence[str]) -> tuple[list[float], float]:
    """chrF of each answer and of all together, 0 to 100 (Popović, WMT 2015, as in sacrebleu)."""
    from sacrebleu.metrics import CHRF

    metric = CHRF()
    pairs = zip(answers, expected, strict=True)
    each = [metric.sentence_score(answer, [want]).score for answer, want in pairs]
    return each, metric.corpus_score(list(answers), [list(expected)]).score
