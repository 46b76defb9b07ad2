"""How well the proxy for supported answers tells labelled sentences apart, on documentation.

    python benchmarks/groundedness.py [--pairs 100]

From each drawn passage comes one supported sentence (a third of its words left out, so that it is no
quotation) and three that are not: one with a number or name changed, one from another passage of the same
document, and one from another document. Half of the passages set the cut, the other half measure it.
"""

from __future__ import annotations

import argparse
import os
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

os.environ.setdefault("OMP_NUM_THREADS", "1")

from _drift_corpora import documents_of
from headwater.index.embedder import Embedder, EmbeddingModel
from headwater.monitor.groundedness import Support, answer_sentences, calibrated, support

LABELS = ("supported", "changed number or name", "same document", "other document")
LEFT_OUT = 0.3
OTHER_NAMES = ("Kestrel", "Marlowe", "Quillon", "Tarn")


@dataclass(frozen=True)
class Pair:
    """A sentence, the passage it is held against, and which of `LABELS` it has."""

    sentence: str
    passage: str
    label: str


def main() -> None:
    """Print the cut and how it does on each kind of sentence."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=100, help="passages drawn")
    given = parser.parse_args()
    pairs = labelled(given.pairs)
    scores = [item.score for item in supports(pairs)]
    half = len(pairs) // 2
    cut = calibrated(scores[:half], [pair.label == "supported" for pair in pairs[:half]])
    held_out = calibrated(scores[half:], [pair.label == "supported" for pair in pairs[half:]])
    print(
        f"cut {cut.score:.3f} from {cut.pairs} sentences; AUC {held_out.auc:.3f} on {held_out.pairs} others"
    )
    print(f"{'kind':24} {'sentences':>9} {'called supported':>17} {'AUC':>6}")
    for label in LABELS:
        own = [score for score, pair in zip(scores[half:], pairs[half:], strict=True) if pair.label == label]
        right = [
            score for score, pair in zip(scores[half:], pairs[half:], strict=True) if pair.label == LABELS[0]
        ]
        against = [*([True] * len(right)), *([False] * len(own))]
        auc = f"{calibrated([*right, *own], against).auc:6.3f}" if label != LABELS[0] else ""
        print(f"{label:24} {len(own):9} {sum(score >= cut.score for score in own) / len(own):17.2f} {auc:>6}")


def labelled(passages: int) -> list[Pair]:
    """Four sentences for each of so many passages."""
    documents = [texts for _, texts in documents_of("aws") if len(texts) >= 2]
    pairs: list[Pair] = []
    for number in range(passages):
        draw = random.Random(f"pairs/{number}")
        document, other = draw.sample(documents, 2)
        passage, neighbour = draw.sample(document, 2)
        sentence = _sentence(passage, draw)
        pairs.append(Pair(_shortened(sentence, draw), passage, LABELS[0]))
        pairs.append(Pair(_changed(_shortened(sentence, draw), draw), passage, LABELS[1]))
        pairs.append(Pair(_shortened(_sentence(neighbour, draw), draw), passage, LABELS[2]))
        pairs.append(Pair(_shortened(_sentence(draw.choice(other), draw), draw), passage, LABELS[3]))
    return pairs


def supports(pairs: Sequence[Pair]) -> list[Support]:
    """What the proxy sees of each pair."""
    embedder = Embedder(EmbeddingModel())
    sentences = embedder.embed([pair.sentence for pair in pairs])
    passages = embedder.embed([pair.passage for pair in pairs])
    return [
        support(pair.sentence, sentences[row], [pair.passage], passages[row : row + 1])
        for row, pair in enumerate(pairs)
    ]


def _sentence(passage: str, draw: random.Random) -> str:
    return draw.choice(answer_sentences(passage) or [passage])


def _shortened(sentence: str, draw: random.Random) -> str:
    words = sentence.split()
    kept = sorted(draw.sample(range(len(words)), max(3, round(len(words) * (1 - LEFT_OUT)))))
    return " ".join(words[place] for place in kept)


def _changed(sentence: str, draw: random.Random) -> str:
    """Another number for each number; without any, another name put before the last word."""
    changed = re.sub(r"\d+", lambda match: str(int(match[0]) + draw.randint(1, 90)), sentence)
    if changed != sentence:
        return changed
    words = sentence.split()
    return " ".join([*words[:-1], "in", draw.choice(OTHER_NAMES), words[-1]])


if __name__ == "__main__":
    main()
