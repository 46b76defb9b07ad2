"""Bronze rows made up for tests of the silver tier, and silver made of them."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from headwater.curate import SilverMaker
from headwater.fingerprint import canonical_json, digest_text
from headwater.schemas import BRONZE
from headwater.tables import write_rows
from headwater.workspace import Produced, Workspace

Row = dict[str, Any]
_NUMBERS = itertools.count()


def bronze_row(uri: str, text: str, attributes: Mapping[str, str] | None = None, title: str = "") -> Row:
    return {
        "document_id": digest_text(uri),
        "uri": uri,
        "source": uri.split("/")[0],
        "raw_digest": digest_text("raw"),
        "media_type": "text/plain",
        "title": title,
        "section": "",
        "start": 0,
        "end": len(text),
        "text": text,
        "text_digest": digest_text(text),
        "attributes": canonical_json(dict(attributes or {})),
    }


def make_silver(
    base: Path, rows: Iterable[Row], previous: Path | None = None, *, name: str = "", **settings: Any
) -> tuple[Path, Produced]:
    """Silver of these rows, ordered by uri, in a folder below `base`: a new one, or `name` once more."""
    home = base / (name or f"silver-{next(_NUMBERS)}")
    bronze, out, scratch = home / "bronze", home / "out", home / "scratch"
    for folder in (out, scratch):
        folder.mkdir(parents=True, exist_ok=True)
    write_rows(bronze, sorted(rows, key=lambda row: row["uri"]), BRONZE.arrow, key="document_id")
    space = Workspace(out, {"bronze": bronze}, previous, home, scratch, lambda what, done, total: None)
    produced = SilverMaker.model_validate(settings)(space)
    assert not list(scratch.iterdir())
    return out, produced


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def remove(folder: Path) -> None:
    """Remove what `make_silver` made, given its result."""
    shutil.rmtree(folder.parent)
