"""How often a trial (`headwater serve --canary`) refuses a release that is worse in a known way, or is not.

python benchmarks/canary.py [--trials 200]: visitors of one to three requests, the default 200 requests of the
new release, and four times as many of the old one, which is what a share of 0.2 gives.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping

import numpy as np

from headwater.serve.canary_verdict import Seen, judge

NORMAL = {"error": 0.01, "uncovered": 0.05, "down": 0.15, "slower": 1.0}
CASES: Mapping[str, Mapping[str, float]] = {
    "as good": {},
    "errors 1% -> 5%": {"error": 0.05},
    "errors 1% -> 10%": {"error": 0.10},
    "no answer 5% -> 10%": {"uncovered": 0.10},
    "no answer 5% -> 15%": {"uncovered": 0.15},
    "thumbs down 15% -> 45% of votes": {"down": 0.45},
    "every answer 1.5 times slower": {"slower": 1.5},
    "every answer twice as slow": {"slower": 2.0},
}
VOTES = 0.1
"""Share of the answers that anybody judges."""


def side(requests: int, rates: Mapping[str, float], chance: np.random.Generator) -> list[Seen]:
    """Requests whose seconds are log-normal with a median of 2."""
    visitors = np.repeat(np.arange(requests), chance.integers(1, 4, requests))[:requests]
    return [
        Seen(
            visitor=str(visitor),
            failed=bool(chance.random() < rates["error"]),
            seconds=float(rates["slower"] * 2 * chance.lognormal(0, 0.7)),
            covered=bool(chance.random() >= rates["uncovered"]),
            vote=(-1 if chance.random() < rates["down"] else 1) if chance.random() < VOTES else None,
        )
        for visitor in visitors
    ]


def main() -> None:
    """Print one line a case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--requests", type=int, default=200)
    given = parser.parse_args()
    print("| the new release | refused |\n|---|---|")
    for name, change in CASES.items():
        chance = np.random.default_rng(1)
        refused = sum(
            bool(
                judge(
                    f"new-{number}",
                    "old",
                    side(given.requests, {**NORMAL, **change}, chance),
                    side(4 * given.requests, NORMAL, chance),
                ).worse
            )
            for number in range(given.trials)
        )
        print(f"| {name} | {refused / given.trials:.1%} |", flush=True)


if __name__ == "__main__":
    main()
