from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from headwater.workspace import Workspace

MakeWorkspace = Callable[..., Workspace]


@pytest.fixture
def workspace(tmp_path: Path) -> MakeWorkspace:
    """Makes workspaces with fresh folders that share one cache."""

    def make(name: str, inputs: Mapping[str, Path] | None = None, previous: Path | None = None) -> Workspace:
        out, scratch, cache = tmp_path / "out" / name, tmp_path / "scratch" / name, tmp_path / "cache"
        for folder in (out, scratch, cache):
            folder.mkdir(parents=True, exist_ok=True)
        return Workspace(out, inputs or {}, previous, cache, scratch, progress=lambda what, done, total: None)

    return make
