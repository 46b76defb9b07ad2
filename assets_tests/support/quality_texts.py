"""Texts and readings for the tests of the quality steps."""

from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

from headwater.curate.kernels.buffers import TextBuffers
from headwater.curate.kernels.words import Words, split
from headwater.curate.step import StepSettings

ALPHABET = "abAB19 \n\t\r\x0b\x1c\x1f\x00.-,'’•…#[](){}\"!?:/_éß日。ע\u0301\u0085\u00a0\u2028１²\U0001f600K"
TEXTS = st.one_of(
    st.text(st.sampled_from(ALPHABET), max_size=80),
    st.text(st.sampled_from("ab \n."), max_size=120),
    st.lists(
        st.sampled_from(["the", "and a", "be.", "\n", "\n\n", " ", "...", "- ", "I'm"]), max_size=60
    ).map(" ".join),
    st.text(max_size=40),
)

NASTY = {
    "empty": "",
    "white": " \n\t\n  \u2028\x1f",
    "one line": "word and more of it " * 50_000,
    "no spaces": "x" * 1_000_000,
    "marks": ",.;:!?()" * 100_000,
    "dots": "." * 500_000,
    "initials": ",a." * 100_000 + "," * 100_000,
    "hyphens": "a-" * 200_000,
    "newlines": "\n" * 500_000,
    "nul": "a\x00b \x00\x00 c. " * 1000,
    "right to left": "שלום עולם. مرحبا بالعالم؟ " * 1000,
    "combining": "e\u0301\u0323" * 1000 + " \u0301\u0301 ",
    "brackets": "[" * 300_000,
    "digits": "[" + "1" * 300_000,
    "emoji": "\U0001f600" * 10_000,
}


def batch_of(*texts: str) -> pa.RecordBatch:
    columns = {"text": pa.array(texts, pa.string()), "text_digest": pa.array(["?"] * len(texts), pa.string())}
    return pa.record_batch(columns)


def reasons(step: StepSettings, *texts: str) -> list[str | None]:
    return step(batch_of(*texts))["refused_reason"].to_pylist()


def split_words(*texts: str) -> tuple[Words, list[list[str]]]:
    """The words of the plain rule, and what they are: together the text without its white space."""
    found = split(TextBuffers.of(pa.array(texts, pa.string())))
    listed: list[list[str]] = []
    for number, text in enumerate(texts):
        rest = "".join(text.split())
        ends = np.cumsum(found.lengths[found.offsets[number] : found.offsets[number + 1]]).tolist()
        listed.append([rest[begin:end] for begin, end in pairwise([0, *ends])])
        assert "".join(listed[-1]) == rest
    return found, listed


def duplicates(pieces: list[str]) -> tuple[int, int]:
    """Number and characters of the pieces that stood before."""
    again = [piece for number, piece in enumerate(pieces) if piece in pieces[:number]]
    return len(again), sum(map(len, again))


def top_run(words: list[str], size: int) -> int:
    """Characters of all occurrences of the most frequent run; of equally frequent ones of the first."""
    runs = [" ".join(words[at : at + size]) for at in range(len(words) - size + 1)]
    counts = Counter(runs)
    best = max(runs, key=lambda run: (counts[run], -runs.index(run)), default="")
    return len(best) * counts[best]


def duplicate_runs(words: list[str], size: int) -> int:
    """Characters of runs that stood before, without overlap."""
    seen: set[str] = set()
    at = characters = 0
    while at + size <= len(words):
        run = "".join(words[at : at + size])
        if run in seen:
            characters += len(run)
        at += size if run in seen else 1
        seen.add(run)
    return characters


_NOUNS = [
    "system",
    "value",
    "file",
    "server",
    "record",
    "network",
    "address",
    "driver",
    "option",
    "report",
    "user",
    "version",
    "table",
    "index",
]
_VERBS = [
    "reads",
    "writes",
    "keeps",
    "returns",
    "checks",
    "starts",
    "removes",
    "compares",
    "prints",
    "updates",
    "describes",
    "ignores",
]
_LINKS = ["of", "to", "and", "with", "that", "before", "after", "in", "for", "from"]


def _sentence(random_: random.Random) -> str:
    words = ["The", random_.choice(_NOUNS), random_.choice(_VERBS), "the"]
    for _ in range(random_.randrange(1, 9)):
        words += [random_.choice(_NOUNS), random_.choice(_LINKS), random_.choice(("the", "a", "each", "be"))]
    words.append(random_.choice(_NOUNS))
    extra = ("", "", "", ' (see "notes")', ", e.g. 3.5 times", " by user@host.example", " don't", " [12]")
    if random_.random() < 0.01:
        words.append("{x}")
    return " ".join(words) + random_.choice(extra) + random_.choice((".", ".", ".", "!", "?", "...", ""))


def made_documents(count: int = 240) -> list[str]:
    """Documents made by code that the published rules keep or refuse for every reason."""
    random_ = random.Random(20240617)
    made: list[str] = []
    for number in range(count):
        lines = [
            " ".join(_sentence(random_) for _ in range(random_.randrange(1, 5)))
            for _ in range(random_.randrange(1, 24))
        ]
        kind = number % 12
        if kind == 1:
            lines = [f"- {line}" for line in lines]
        elif kind == 2:
            lines += lines[: random_.randrange(1, len(lines) + 1)]
        elif kind == 3:
            lines = [line + " ..." for line in lines]
        elif kind == 4:
            lines = [f"{random_.choice(_NOUNS)} = {random_.randrange(9999)} # {number}" for _ in lines]
        elif kind == 5:
            lines = [random_.choice(_NOUNS) for _ in range(random_.randrange(20, 200))]
        elif kind == 6:
            lines += [random_.choice(("We use cookies.", "Enable JavaScript now.", "Lorem ipsum dolor sit."))]
        elif kind == 7:
            lines = [f"{line}\n" for line in lines]
        elif kind == 8:
            lines = [random_.choice(lines) for _ in range(random_.randrange(1, 8))] * 2
        elif kind == 9:
            lines = [f"--{random_.choice(_NOUNS)}=<{random_.choice(_NOUNS)}>  {line}" for line in lines]
        elif kind == 10:
            lines = ["  ".join(line.split()) for line in lines]
        elif kind == 11:
            lines = [line.upper() if random_.random() < 0.5 else line for line in lines]
        made.append("\n".join(lines))
    return made


def verdicts(step: StepSettings, texts: list[str]) -> Any:
    """True where a document passes."""
    return step(batch_of(*texts))["refused_reason"].is_null().to_pylist()
