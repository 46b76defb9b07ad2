"""Files of installed Python packages, found without importing them."""

from __future__ import annotations

import importlib.util
import re
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from headwater.sources.base import ListingFailed, Refused, SourceSettings
from headwater.sources.files import DEFAULT_MAX_FILE_BYTES, LocalFile, walk
from headwater.sources.patterns import Patterns

_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}$")


class InstalledPackage(SourceSettings):
    """Files inside an installed package.

    `folder` is a folder inside the package from which paths count. `only` keeps the files whose first path
    part is one of these; a part that does not exist is refused as `not_found`. With `latest`, of sibling
    folders that are named by a date (2016-11-15) only the newest is listed. `requirement` is what
    `pip install` needs where that is not the package's own name.
    """

    kind: Literal["package"] = "package"
    package: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    folder: str = ""
    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ("__pycache__", "*.pyc")
    latest: bool = False
    only: tuple[str, ...] | None = None
    requirement: str | None = None
    max_file_bytes: Annotated[int, Field(gt=0)] = DEFAULT_MAX_FILE_BYTES

    def list(self) -> Iterator[LocalFile | Refused]:
        """All files in the order of their paths. Raises `ListingFailed`, with the command that mends it."""
        root = self._root()
        files = walk(
            root,
            self.name,
            include=Patterns(self.include),
            exclude=Patterns(self.exclude),
            max_file_bytes=self.max_file_bytes,
        )
        if self.only is not None:
            wanted = frozenset(self.only)
            for part in sorted(wanted):
                if not (root / part).exists():
                    yield Refused(part, "not_found", f"package {self.package} has no {part!r} here")
            files = (file for file in files if file.path.split("/", 1)[0] in wanted)
        yield from _newest_dates(files) if self.latest else files

    def _root(self) -> Path:
        spec = importlib.util.find_spec(self.package)
        places = spec.submodule_search_locations if spec is not None else None
        if not places:
            raise ListingFailed(
                f"source {self.name!r}: the package {self.package!r} is not installed; "
                f"run: pip install {self.requirement or self.package}"
            )
        root = Path(places[0]) / self.folder
        if not root.is_dir():
            raise ListingFailed(
                f"source {self.name!r}: the package {self.package!r} has no folder {self.folder!r}"
            )
        return root


class InstalledDistributions(SourceSettings):
    """Metadata and licence files of every distribution that is installed beside this interpreter.

    Paths begin with the distribution's `.dist-info` folder. Letter case does not matter in the patterns.
    """

    kind: Literal["distributions"] = "distributions"
    include: tuple[str, ...] = ("METADATA", "licen[cs]e*", "copying*", "notice*", "authors*")
    exclude: tuple[str, ...] = ()
    max_file_bytes: Annotated[int, Field(gt=0)] = DEFAULT_MAX_FILE_BYTES

    def list(self) -> Iterator[LocalFile | Refused]:
        """All files in the order of their paths. Raises `ListingFailed` when nothing can be listed."""
        include = Patterns((f"*.dist-info/**/{pattern}" for pattern in self.include), ignore_case=True)
        exclude = Patterns(self.exclude, ignore_case=True)
        found: dict[str, Path] = {}
        for place in ("purelib", "platlib"):
            for folder in Path(sysconfig.get_path(place)).glob("*.dist-info"):
                found.setdefault(folder.name, folder)
        for name, folder in sorted(found.items()):
            if not exclude.match(name):
                yield from walk(
                    folder,
                    self.name,
                    include=include,
                    exclude=exclude,
                    prefix=f"{name}/",
                    max_file_bytes=self.max_file_bytes,
                )


def _newest_dates(files: Iterator[LocalFile | Refused]) -> Iterator[LocalFile | Refused]:
    """Drop files below a folder named by a date that has a sibling named by a later one."""
    kept = tuple(files)
    newest: dict[str, str] = {}
    for file in kept:
        for parent, date in _dates(file.path):
            newest[parent] = max(date, newest.get(parent, ""))
    for file in kept:
        if all(newest[parent] == date for parent, date in _dates(file.path)):
            yield file


def _dates(path: str) -> Iterator[tuple[str, str]]:
    parts = path.split("/")
    for index, part in enumerate(parts[:-1]):
        if _DATE.match(part):
            yield "/".join(parts[:index]), part
