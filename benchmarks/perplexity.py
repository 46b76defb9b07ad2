"""What the perplexity of prompts can find: quiet windows, and windows of which a part reads otherwise.

    python benchmarks/perplexity.py QUESTIONS BASE_MODEL

QUESTIONS and BASE_MODEL are folders of these assets. Perplexity is taken of all questions once; references
and windows are then drawn from them without overlap, at the sizes with which monitoring samples.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from headwater.components.monitoring import MonitoringAttributes
from headwater.monitor.clusters import Floats, seeded
from headwater.monitor.distributions import numbers_differ
from headwater.monitor.perplexity import prompt_perplexity
from headwater.monitor.reference import ProfileMaker
from headwater.tables import read_rows

UNHEARD_OF = 1e6
"""More than any question has: what no model of English expects."""
REFERENCE = ProfileMaker().perplexity_questions
WINDOW = MonitoringAttributes().perplexity_questions
ALPHA = MonitoringAttributes().monitor.alpha


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="What the perplexity of prompts can find.")
    parser.add_argument("questions", type=Path)
    parser.add_argument("base_model", type=Path)
    parser.add_argument("--windows", type=int, default=300)
    given = parser.parse_args()
    texts = [row["text"] for row in read_rows(given.questions, ["text"])]
    values = prompt_perplexity(given.base_model, texts, len(texts), seeded("all"))
    known = values[~np.isnan(values)]
    shown = " ".join(f"{level:.0%} {np.quantile(known, level):,.0f}" for level in (0.05, 0.5, 0.95))
    print(f"{len(known)} questions: {shown}; {REFERENCE} of a reference, {WINDOW} of a window, at {ALPHA:g}")
    for most in (WINDOW, REFERENCE):
        begun = time.process_time()
        prompt_perplexity(given.base_model, texts, most, seeded("cost"))
        print(f"{most} questions: {time.process_time() - begun:.1f} CPU s, loading included")
    for share in (0.0, 0.2, 0.3, 0.4):
        print(f"{share:.0%} unheard of: {_found(known, _strange(share), given.windows):.3f}")
    for factor in (2.0, 4.0):
        print(f"{factor:g} times the perplexity: {_found(known, _scaled(factor), given.windows):.3f}")


def _strange(share: float) -> Callable[[Floats], Floats]:
    def changed(values: Floats) -> Floats:
        return np.where(np.arange(len(values)) < share * len(values), UNHEARD_OF, values).astype(np.float32)

    return changed


def _scaled(factor: float) -> Callable[[Floats], Floats]:
    return lambda values: values * factor


def _found(values: Floats, change: Callable[[Floats], Floats], windows: int) -> float:
    """Share of windows whose difference is significant."""
    chance = seeded("draw")
    hits = 0
    for _ in range(windows):
        order = chance.permutation(len(values))
        reference = values[order[:REFERENCE]]
        window = change(values[order[REFERENCE : REFERENCE + WINDOW]])
        sides = (reference, np.arange(len(reference)), window, np.arange(len(window)))
        hits += numbers_differ(*sides, chance).p <= ALPHA
    return hits / windows


if __name__ == "__main__":
    main()
