"""What somebody asked and judged: found by the pseudonyms of the inference log, now and in its past."""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from headwater.curate.erasures import Erasure
from headwater.curate.pii.pseudonyms import PSEUDONYM_DIGITS
from headwater.inference_log.erase import ids_held
from headwater.inference_log.places import Places
from headwater.inference_log.privacy import KEY_VARIABLE, known_keys, pseudonym
from headwater.lake.errors import Gone
from headwater.lake.protocol import Lake
from headwater.versions.traces import Marks, any_of

pc: Any = importlib.import_module("pyarrow.compute")
"""Its functions are generated when it is imported, so no type checker knows them."""
REQUESTS, JUDGEMENTS, LABELS = "inference/part-", "inference/feedback/part-", "feedback/part-"
LABEL_COLUMNS = ("label_id", "users", "response_ids", "feedback_ids")
_PSEUDONYM = re.compile(rf"[0-9a-f]{{{PSEUDONYM_DIGITS}}}")


@dataclass(frozen=True)
class Person:
    """Whom to forget, by every pseudonym that may stand for them."""

    pseudonyms: frozenset[str]

    def __post_init__(self) -> None:
        for one in self.pseudonyms:
            if not _PSEUDONYM.fullmatch(one):
                raise ValueError(
                    f"pseudonym: expected {PSEUDONYM_DIGITS} hex digits as the inference log has them, "
                    f"got {one!r}"
                )

    @classmethod
    def called(
        cls, kind: str, name: str, *, home: Path, product: str, environment: Mapping[str, str] = os.environ
    ) -> Person:
        """The `kind` ("user" or "session") that a client sends as `name`, under every key that is known here.

        Raises `ValueError` without a key.
        """
        own = Places.of(home, product).key
        keys = known_keys(environment, own)
        if not keys:
            raise ValueError(
                f"there is no key of pseudonyms: set {KEY_VARIABLE} as the service has it, or run this where "
                f"the service's HEADWATER_HOME is, which keeps its key in {own}; or give the --pseudonym"
            )
        return cls(frozenset(pseudonym(key, kind, name) for key in keys))


@dataclass(frozen=True)
class PersonTraces:
    """Ids of the requests and judgements that are theirs, or about them: `windows` in the lake, `waiting` in
    segments on this machine, `past` in earlier windows alone. `labels` were made from them in any version.

    Judgements by others of their requests count, since they repeat what was asked.
    """

    pseudonyms: frozenset[str]
    windows: frozenset[str]
    waiting: frozenset[str]
    past: frozenset[str]
    labels: frozenset[str]

    @property
    def ids(self) -> frozenset[str]:
        """What the inference log has of them now."""
        return self.windows | self.waiting

    @property
    def marks(self) -> Marks:
        """What gives them away anywhere."""
        return Marks(
            ids=self.pseudonyms | self.ids | self.past | self.labels,
            uris=frozenset(f"feedback/{label}" for label in self.labels),
            file_digests=frozenset(),
        )

    def without(self, labels: frozenset[str]) -> PersonTraces:
        """The same without these labels."""
        return replace(self, labels=self.labels - labels)

    def entries(self, reason: str) -> Iterator[Erasure]:
        """What goes on the erasure list: the pseudonyms keep out what waits on another machine, or is logged
        at this moment or later; the ids keep out what others say about these requests later."""
        for one in sorted(self.pseudonyms):
            yield Erasure(f"inference/people/{one}", one, "", reason)
        for one in sorted(self.ids):
            yield Erasure(f"inference/{one}", one, "", reason)


def person_traces(
    lake: Lake, head: str, commits: Sequence[str], product: str, home: Path, person: Person
) -> PersonTraces:
    """Look through the segments below `home` and every window and label of these commits and `head`."""
    places, people = Places.of(home, product), person.pseudonyms
    now, ever = _Log.read(lake, [head], product), _Log.read(lake, [head, *commits], product)
    asked = ever.asked_by(people) | ids_held(places, any_of(people))
    waiting = ids_held(places, any_of(people | asked))
    windows = now.asked_by(people) | now.judged(people, asked)
    found = asked | waiting | ever.judged(people, asked)
    labels = {
        row["label_id"]
        for table in _datasets(lake, [head, *commits], f"{product}/{LABELS}", LABEL_COLUMNS)
        for row in table.to_pylist()
        if not people.isdisjoint(row["users"])
        or not found.isdisjoint([*row["response_ids"], *row["feedback_ids"]])
    }
    past = found - windows - waiting
    return PersonTraces(people, frozenset(windows), frozenset(waiting), frozenset(past), frozenset(labels))


def labels_at(lake: Lake, commit: str, product: str) -> frozenset[str]:
    """Ids of the labels at a commit."""
    tables = _datasets(lake, [commit], f"{product}/{LABELS}", LABEL_COLUMNS)
    return frozenset(name for table in tables for name in table["label_id"].to_pylist())


@dataclass(frozen=True)
class _Log:
    """Who asked and judged, in the windows of some commits."""

    requests: Sequence[pa.Table]
    judgements: Sequence[pa.Table]

    @classmethod
    def read(cls, lake: Lake, commits: Sequence[str], product: str) -> _Log:
        requests = _datasets(lake, commits, f"{product}/{REQUESTS}", ["response_id", "user", "session"])
        judgements = _datasets(
            lake, commits, f"{product}/{JUDGEMENTS}", ["feedback_id", "response_id", "user"]
        )
        return cls(list(requests), list(judgements))

    def asked_by(self, people: Collection[str]) -> set[str]:
        """Requests of these people."""
        return {
            name
            for table in self.requests
            for column in ("user", "session")
            for name in _where(table, "response_id", column, people)
        }

    def judged(self, people: Collection[str], responses: Collection[str]) -> set[str]:
        """Judgements by these people, or of these responses."""
        return {
            name
            for table in self.judgements
            for column, values in (("user", people), ("response_id", responses))
            for name in _where(table, "feedback_id", column, values)
        }


def _where(table: pa.Table, key: str, column: str, values: Collection[str]) -> list[str]:
    hits = pc.is_in(table[column], value_set=pa.array(sorted(values), pa.string()))
    return table.filter(hits)[key].to_pylist()


def _datasets(lake: Lake, commits: Sequence[str], prefix: str, columns: Sequence[str]) -> Iterator[pa.Table]:
    """The parts below a prefix in these commits, each content once; what was swept is left out."""
    seen: set[str] = set()
    for commit in commits:
        for item in lake.list(commit, prefix):
            if item.digest in seen:
                continue
            seen.add(item.digest)
            try:
                with pq.ParquetFile(lake.fetch(commit, item.path)) as file:
                    yield file.read(list(columns))
            except Gone:
                continue
