"""Windows as they stand in a version: what the join needs of them, and how they are written again."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from headwater.curate.erasures import Erasures
from headwater.inference_log.intake import judgement_erased, request_erased
from headwater.inference_log.join import NOBODY, Judged
from headwater.inference_log.table import JUDGEMENTS, part_of, read_part, replaced, windows_in
from headwater.schemas.dataset import Dataset
from headwater.schemas.inference import FEEDBACK, INFERENCE
from headwater.tables import part_path, write_table

_REQUEST_COLUMNS = ("response_id", "time", "user", "session", "vote", "feedback")
_FEEDBACK_COLUMNS = ("feedback_id", "response_id", "time", "user", "vote", "served")


@dataclass
class Part:
    """One window: where its rows stand now, and the columns that the join needs, as Arrow has them."""

    requests: Path
    judgements: Path
    requested: pa.Table
    judged_by: pa.Table

    @classmethod
    def read(cls, folder: Path, window: str) -> Part:
        """The window below the folder of a version; it has rows of one dataset at least."""
        requests, judgements = part_of(folder, window), part_of(folder / JUDGEMENTS, window)
        return cls(
            requests,
            judgements,
            _columns(requests, INFERENCE, _REQUEST_COLUMNS),
            _columns(judgements, FEEDBACK, _FEEDBACK_COLUMNS),
        )

    @property
    def asked(self) -> list[dict[str, Any]]:
        """Its requests."""
        return self.requested.to_pylist()

    @property
    def judged(self) -> list[dict[str, Any]]:
        """Its judgements."""
        return self.judged_by.to_pylist()

    @property
    def newest(self) -> datetime:
        """The time of its newest record."""
        times = pa.chunked_array(
            [chunk for table in (self.requested, self.judged_by) for chunk in table["time"].chunks],
            self.requested.schema.field("time").type,
        )
        return pc.call_function("max", [times]).as_py()

    @property
    def ids(self) -> Iterator[str]:
        """Of its requests and judgements."""
        yield from self.requested[INFERENCE.key].to_pylist()
        yield from self.judged_by[FEEDBACK.key].to_pylist()

    def passages(self) -> Iterator[list[tuple[str, str]]]:
        """Of each request document id and uri of what it was given, in the order of `asked`."""
        if len(self.requested):
            for row in read_part(self.requests, ("retrieved",)).to_pylist():
                yield [(one["document_id"], one["uri"]) for one in row["retrieved"]]


def _columns(path: Path, dataset: Dataset, names: tuple[str, ...]) -> pa.Table:
    if path.is_file():
        return read_part(path, names)
    return pa.schema([dataset.arrow.field(name) for name in names]).empty_table()


def read_parts(folder: Path | None) -> dict[str, Part]:
    """The windows of a version, oldest first; none without one."""
    if folder is None:
        return {}
    names = sorted({*windows_in(folder), *windows_in(folder / JUDGEMENTS)})
    return {name: Part.read(folder, name) for name in names}


def erased_ids(windows: Mapping[str, Part], erasures: Erasures) -> set[str]:
    """Ids of the rows that must go, of requests and of judgements."""
    if not erasures.entries:
        return set()
    responses = {
        row["response_id"]
        for part in windows.values()
        for row, passages in zip(part.asked, part.passages(), strict=True)
        if request_erased(row["response_id"], (row["user"], row["session"]), passages, erasures)
    }
    judgements = {
        row["feedback_id"]
        for part in windows.values()
        for row in part.judged
        if row["response_id"] in responses
        or judgement_erased(row["feedback_id"], row["response_id"], row["user"], erasures)
    }
    return responses | judgements


def write_parts(out: Path, windows: Mapping[str, Part], gone: Collection[str]) -> dict[str, int]:
    """Join the judgements, leave out what is `gone`, and write every window below `out`.

    A window in which nothing changes keeps its bytes. Returns the number of requests, of judgements, and of
    requests that have some.
    """
    judged: dict[str, Judged] = {}
    for part in windows.values():
        for row in part.judged:
            if row["feedback_id"] not in gone:
                judged.setdefault(row["response_id"], Judged()).add(row)
    served = {one for part in windows.values() for one in part.requested["response_id"].to_pylist()}
    counts = {"requests": 0, "judgements": 0, "judged": 0}
    for name, part in windows.items():
        if asked := part.asked:
            staying = [row for row in asked if row["response_id"] not in gone]
            found = [judged.get(row["response_id"], NOBODY) for row in staying]
            votes = [of.vote(row["user"]) for of, row in zip(found, staying, strict=True)]
            numbers = [of.count for of in found]
            same = [(row["vote"], row["feedback"]) for row in asked] == list(zip(votes, numbers, strict=True))
            columns = {"vote": votes, "feedback": numbers}
            _place(part.requests, part_of(out, name), INFERENCE.key, gone, columns, same=same)
            counts["requests"] += len(staying)
            counts["judged"] += sum(number > 0 for number in numbers)
        if judgements := part.judged:
            rows = [row for row in judgements if row["feedback_id"] not in gone]
            known = [row["served"] or row["response_id"] in served for row in rows]
            same = [row["served"] for row in judgements] == known
            place = part_of(out / JUDGEMENTS, name)
            _place(part.judgements, place, FEEDBACK.key, gone, {"served": known}, same=same)
            counts["judgements"] += len(rows)
    for folder, schema in ((out, INFERENCE.arrow), (out / JUDGEMENTS, FEEDBACK.arrow)):
        if not windows_in(folder):
            write_table(part_path(folder, 0), schema.empty_table())
    return counts


def _place(
    source: Path,
    target: Path,
    key: str,
    gone: Collection[str],
    columns: Mapping[str, list[Any]],
    *,
    same: bool,
) -> None:
    """A part at its place: the same file, or without the rows that go and with these values."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if same:
        shutil.copyfile(source, target)
        return
    rows = read_part(source)
    rows = rows.filter(pa.array([value not in gone for value in rows[key].to_pylist()], pa.bool_()))
    for name, values in columns.items():
        rows = replaced(rows, name, values)
    if len(rows):
        write_table(target, rows)
