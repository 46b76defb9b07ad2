"""Where the lake holds erased documents: rows, passages, reports and original files, now and in the past."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from headwater.curate.erasures import REASON
from headwater.lake.erased import erasures_path
from headwater.lake.errors import Gone
from headwater.lake.protocol import Lake, Object

pc: Any = importlib.import_module("pyarrow.compute")
"""Its functions are generated when it is imported, so no type checker knows them."""
READ_AS_TEXT = {".json", ".jsonl", ".html", ".md", ".txt", ".csv"}
_EDGE = r"[\w/.~-]"


@dataclass(frozen=True)
class Marks:
    """What gives an erased document away: ids of documents and passages, uris, digests of files, a text."""

    ids: frozenset[str]
    uris: frozenset[str]
    file_digests: frozenset[str]
    text: str = ""

    @cached_property
    def values(self) -> pa.Array:
        """Ids and uris, as cells hold them."""
        return pa.array(sorted(self.ids | self.uris), pa.string())

    @cached_property
    def spellings(self) -> tuple[str, ...]:
        """The text as it stands in plain text and inside JSON."""
        if not self.text:
            return ()
        forms = (self.text, *(json.dumps(self.text, ensure_ascii=ascii_)[1:-1] for ascii_ in (False, True)))
        return tuple(dict.fromkeys(forms))

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Any of it inside a file of text."""
        exact = [_branching(sorted({*self.ids, *self.spellings}))] if self.ids or self.spellings else []
        uris = [rf"(?<!{_EDGE})(?:{_branching(sorted(self.uris))})(?!{_EDGE})"] if self.uris else []
        return re.compile("|".join(exact + uris) or r"(?!)")


def any_of(ids: Iterable[str]) -> re.Pattern[str]:
    """Any of these ids inside a file of text."""
    return Marks(frozenset(ids), frozenset(), frozenset()).pattern


def _branching(values: Sequence[str], few: int = 8) -> str:
    """An expression for any of the sorted values that branches by their next character: thousands of
    alternatives in one list would each be tried at every place. The longest of those at a place is found."""
    if len(values) <= few:
        return "|".join(map(re.escape, reversed(values)))
    longer = [value for value in values if value]
    branches = [
        f"{re.escape(first)}(?:{_branching([value[1:] for value in group])})"
        for first, group in groupby(longer, lambda value: value[0])
    ]
    return "|".join(branches if len(longer) == len(values) else [*branches, ""])


class Scanner:
    """Looks into objects, each payload once. Opaque files (vectors, weights) cannot be read."""

    def __init__(self, lake: Lake, product: str, marks: Marks) -> None:
        self.lake, self.product, self.marks = lake, product, marks
        self.gone: set[str] = set()
        """Digests of payloads that were swept before anyone could look into them."""
        self._seen: dict[tuple[str, bool], int] = {}

    def count(self, commit: str, item: Object) -> int:
        """Rows of a table, or occurrences in a text, that give an erased document away; 0 if swept."""
        key = (item.digest, item.path.startswith("_meta/"))
        if key not in self._seen:
            try:
                self._seen[key] = self._count(item, self.lake.fetch(commit, item.path))
            except Gone:
                self.gone.add(item.digest)
                self._seen[key] = 0
        return self._seen[key]

    def held(self, commit: str) -> dict[str, dict[str, int]]:
        """At a commit: asset -> path -> matches, for paths that hold something."""
        found: dict[str, dict[str, int]] = {}
        for item in objects(self.lake, commit, self.product):
            matches = self.count(commit, item)
            if matches:
                asset = item.path.removeprefix("_meta/").removesuffix(".json").split("/")[1]
                found.setdefault(asset, {})[item.path] = matches
        return found

    def _count(self, item: Object, file: Path) -> int:
        path = PurePosixPath(item.path)
        if item.path == erasures_path(self.product):
            return 0
        if item.path.startswith("_meta/"):
            return len(self.marks.pattern.findall(_without_erased(file)))
        if path.suffix == ".parquet":
            return self._rows(pq.ParquetFile(file).iter_batches())
        if path.suffix == ".arrow":
            with pa.memory_map(str(file)) as source:
                return self._rows(pa.ipc.open_file(source).read_all().to_batches())
        if item.path.startswith(f"{self.product}/raw/objects/"):
            needles = [form.encode() for form in self.marks.spellings]
            content = file.read_bytes() if needles else b""
            return int(path.name in self.marks.file_digests or any(form in content for form in needles))
        if path.suffix in READ_AS_TEXT:
            return len(self.marks.pattern.findall(file.read_text(encoding="utf-8", errors="replace")))
        return 0

    def _rows(self, batches: Iterable[pa.RecordBatch]) -> int:
        return sum(self._batch(batch) for batch in batches)

    def _batch(self, batch: pa.RecordBatch) -> int:
        if "reason" in batch.schema.names and "refusal_id" in batch.schema.names:
            batch = batch.filter(pc.not_equal(batch.column("reason"), REASON))
        return pc.sum(self.hits(batch)).as_py() or 0

    def hits(self, batch: pa.RecordBatch) -> Any:
        """Of each row whether it gives an erased document away."""
        hit = pa.array([False] * len(batch), pa.bool_())
        for column in batch.columns:
            hit = pc.or_(hit, self._cells(column))
        return hit

    def _cells(self, column: Any) -> Any:
        if pa.types.is_string(column.type):
            return self._strings(column)
        if pa.types.is_struct(column.type):
            hit = pa.array([False] * len(column), pa.bool_())
            for field in column.flatten():
                hit = pc.or_(hit, self._cells(field))
            return hit
        if pa.types.is_list(column.type):
            flat, parents = pc.list_flatten(column), pc.list_parent_indices(column)
            rows = set(pc.filter(parents, self._cells(flat)).to_pylist())
            return pa.array([index in rows for index in range(len(column))], pa.bool_())
        return pa.array([False] * len(column), pa.bool_())

    def _strings(self, column: Any) -> Any:
        hit = pc.is_in(column, value_set=self.marks.values)
        for form in self.marks.spellings:
            hit = pc.or_(hit, pc.fill_null(pc.match_substring(column, form), False))
        return hit


def objects(lake: Lake, commit: str, product: str) -> Iterator[Object]:
    """A product's objects and records at a commit."""
    yield from lake.list(commit, f"{product}/")
    yield from lake.list(commit, f"_meta/{product}/")


def passages_of(
    lake: Lake, commits: Collection[str], product: str, document_ids: Collection[str]
) -> set[str]:
    """Ids of the passages that these documents ever had in these commits."""
    wanted = pa.array(sorted(document_ids), pa.string())
    seen: set[str] = set()
    found: set[str] = set()
    for commit in commits:
        for item in lake.list(commit, f"{product}/chunks/part-"):
            if item.digest in seen:
                continue
            seen.add(item.digest)
            try:
                table = pq.ParquetFile(lake.fetch(commit, item.path)).read(["chunk_id", "document_id"])
            except Gone:
                continue
            found.update(
                table.filter(pc.is_in(table["document_id"], value_set=wanted))["chunk_id"].to_pylist()
            )
    return found


def _without_erased(record: Path) -> str:
    """A record without the sample rows that only say that something was erased."""
    stored = json.loads(record.read_text(encoding="utf-8"))
    tables = stored.get("tables", {}) if isinstance(stored, dict) else {}
    for name, rows in tables.items():
        tables[name] = [row for row in rows if row.get("reason") != REASON]
    return json.dumps(stored, ensure_ascii=False)
