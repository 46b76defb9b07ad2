"""The evaluation's questions: feedback never writes them, and users are tried on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from headwater.curate.dedup.nearest import Match, Nearest
from headwater.feedback.guards import Guards
from headwater.feedback.passages import Passage, best_support
from headwater.feedback.rules import Reason, Refused
from headwater.feedback.votes import Vote
from headwater.tables import read_rows


class KnownQuestions:
    """Every question by which retrieval is judged, with the passages that answer it."""

    def __init__(self, questions: Path) -> None:
        rows = list(read_rows(questions, ["text", "relevant_chunk_ids"]))
        self._nearest = Nearest([row["text"] for row in rows])
        self._texts = [row["text"] for row in rows]
        self._answering = [tuple(row["relevant_chunk_ids"]) for row in rows]

    @property
    def chunk_ids(self) -> frozenset[str]:
        """All passages that answer some question."""
        return frozenset(name for names in self._answering for name in names)

    def matches(self, votes: Sequence[Vote], guards: Guards) -> Mapping[str, Match]:
        """Votes on a question that is nearly one of these, by feedback id."""
        found = self._nearest.matches([vote.question for vote in votes])
        return {
            vote.feedback_id: match
            for vote, match in zip(votes, found, strict=True)
            if match is not None and match.similarity >= guards.held_out_similarity
        }

    def held_out(self, matches: Mapping[str, Match]) -> Refused:
        """What is refused because of `matches`."""
        return {
            name: Reason(
                "held_out_question", f"{match.similarity:.2f} like {self._texts[match.place][:80]!r}"
            )
            for name, match in matches.items()
        }

    def discredited(
        self,
        votes: Sequence[Vote],
        matches: Mapping[str, Match],
        passages: Mapping[str, Passage],
        guards: Guards,
    ) -> dict[str, str]:
        """Users who more often than not lead these questions to a document that does not answer them.

        Questions with known answers among the others try those who label, as crowd workers are tried (Snow et
        al., Cheap and Fast, But is it Good?, EMNLP 2008). Users who never vote on one are not judged.
        """
        right: Counter[str] = Counter()
        wrong: Counter[str] = Counter()
        for vote in votes:
            match = matches.get(vote.feedback_id)
            if match is None or not vote.proposed:
                continue
            found = [passages[name] for name in vote.chunk_ids if name in passages]
            support = best_support(vote.proposed, found)
            if support is None or support.share < guards.least_support:
                continue
            answers = (name for name in self._answering[match.place] if name in passages)
            answering = {passages[name].document_id for name in answers}
            (right if support.passage.document_id in answering else wrong)[vote.user] += 1
        return {
            user: f"{wrong[user]} of {wrong[user] + right[user]} known questions led to a wrong document"
            for user in sorted(wrong)
            if wrong[user] >= guards.wrong_on_known and wrong[user] > right[user]
        }
