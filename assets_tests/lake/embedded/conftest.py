"""The embedded store alone: what it leaves on disk and how it bears what disks and kills do to it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest


@pytest.fixture
def location(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What `open_lake` opens: a fresh embedded lake."""
    return str(tmp_path_factory.mktemp("embedded") / "lake")


@pytest.fixture
def root(location: str) -> Path:
    """The folder of the lake."""
    return Path(location)


@pytest.fixture
def payload(lake, root: Path):
    """`payload(ref, path)` is the file in which the lake keeps an object."""

    def payload(ref: str, path: str) -> Path:
        digest = lake.stat(ref, path).digest
        return root / "objects" / digest[:2] / digest[2:]

    return payload


@pytest.fixture
def fsck(root: Path):
    """Let Git itself check the repository; returns its complaints."""

    def fsck() -> str:
        done = subprocess.run(
            ["git", "-C", str(root / "git"), "fsck", "--full", "--strict", "--no-dangling"],
            capture_output=True,
            text=True,
        )
        return done.stdout + done.stderr.replace("Checking object directories", "").strip()

    return fsck
