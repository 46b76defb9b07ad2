"""One measured run in a process of its own, so that its CPU seconds and its peak memory are its own.

`python _lake_cases.py CASE FOLDER NUMBER` prints the figures of one case as JSON. Times are in seconds, sizes
in bytes, `peak` in MiB.
"""

from __future__ import annotations

import json
import mmap
import os
import resource
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from headwater.lake.embedded import EmbeddedLake
from headwater.lake.publish import publish
from headwater.lake.recipe import Recipe
from headwater.workspace import Produced, Workspace

Figures = dict[str, float]
PARTS = 64
SMALL_BYTES = 4096
SMALL_FOLDERS = 20
BRANCHES = 25
MERGES = 9


def plain(folder: Path, size: int) -> Figures:
    """Write the parts of a dataset and bring each to disk."""
    block = random_block(size)
    warm_memory(folder.with_name("warm"), block)
    with stopwatch() as figures:
        write_parts(folder, block)
        for part in sorted(folder.iterdir()):
            fsync(part)
        fsync(folder)
    return figures


def published(folder: Path, size: int) -> Figures:
    """Let a maker write the same parts, and publish them: branch, digests, commit, merge, all on disk."""
    lake = EmbeddedLake(folder / "lake")
    # A lake in use has its folders, and Dagster takes the version of the code when it loads a recipe.
    with lake.change("main", "used") as change:
        for number in range(1000):
            change.put(f"used/{number}", b"%d" % number)
    block = random_block(size)
    recipe = Recipe("bench", "dataset", partial(_maker, block), code=("headwater.workspace",))
    _ = recipe.code_version
    warm_memory(folder / "warm", block)
    with stopwatch() as figures:
        publish(lake, recipe, target="main", run_id="1", home=folder / "home")
    figures["stored"] = stored_bytes(folder)
    return figures


def fetched(folder: Path, _: int) -> Figures:
    """Fetch what `published` published and read it in place; copy it and read the copy, for comparison."""
    lake = EmbeddedLake(folder / "lake")
    written = _written()
    with stopwatch() as figures:
        view = lake.fetch("main", "bench/dataset/")
    with stopwatch() as again:
        lake.fetch("main", "bench/dataset/")
    figures["written"] = _written() - written
    entries = list(lake.list("main", "bench/dataset/"))
    shared = 0
    for entry in entries:
        stored = folder / "lake/objects" / entry.digest[:2] / entry.digest[2:]
        fetched_files = (view / entry.path.removeprefix("bench/dataset/"), lake.fetch("main", entry.path))
        shared += all(file.samefile(stored) for file in fetched_files)
    with stopwatch() as reading:
        _read_mapped(view)
    with stopwatch() as copying:
        copy_to_disk(view, folder / "copy")
    with stopwatch() as reading_copy:
        _read_mapped(folder / "copy")
    shutil.rmtree(folder / "copy")
    return {
        **figures,
        "again": again["seconds"],
        "parts": len(entries),
        "shared": shared,
        "reading": reading["seconds"],
        "copying": copying["seconds"],
        "reading_copy": reading_copy["seconds"],
    }


def small(folder: Path, count: int) -> Figures:
    """Commit many small objects; then start branches, merge one object, and change one in a hundred."""
    source = folder / "source"
    write_small(source, count)
    lake = EmbeddedLake(folder / "lake")
    with stopwatch() as figures, lake.change("main", "all") as change:
        change.put_folder("bench/files/", source)
    figures["stored"] = stored_bytes(folder / "lake")
    starts: list[float] = []
    flushes: list[float] = []
    for number in range(BRANCHES):
        with stopwatch() as start:
            lake.create_branch(f"branch-{number}")
        starts.append(start["seconds"])
        with stopwatch() as flush:
            (folder / f"flushed-{number}").write_bytes(b"as long as a ref is in a repository: 41 bytes")
            fsync(folder / f"flushed-{number}")
            fsync(folder)
        flushes.append(flush["seconds"])
    merges: list[float] = []
    for number in range(MERGES):
        with lake.change(f"branch-{number}", "one") as change:
            change.put(f"bench/files/new-{number}", b"%d" % number)
        with stopwatch() as merge:
            lake.merge(f"branch-{number}", "main", "merge")
        merges.append(merge["seconds"])
    before = stored_bytes(folder / "lake")
    change_small(source, count)
    with lake.change("main", "one in a hundred") as change:
        change.put_folder("bench/files/", source)
    return {
        **figures,
        "branch": statistics.median(starts),
        "flush": statistics.median(flushes),
        "merge": statistics.median(merges),
        "growth": stored_bytes(folder / "lake") - before,
    }


def versions(folder: Path, _: int) -> Figures:
    """Commit the datasets of `_lake_documents`, each as the next version; what each added, by name.

    Also how long the first change (all rows) and that of scattered rows take, and the first version's return.
    """
    lake = EmbeddedLake(folder / "lake")
    growth: Figures = {}
    commits: list[str] = []
    spent: dict[str, Figures] = {}
    with stopwatch() as figures:
        for dataset in datasets(folder):
            before = stored_bytes(folder / "lake")
            with stopwatch() as cost, lake.change("main", dataset.name) as change:
                change.put_folder("bench/documents/", dataset)
            commits.append(lake.resolve("main"))
            spent[dataset.name] = cost
            growth[dataset.name] = stored_bytes(folder / "lake") - before
    with stopwatch() as back:
        view = lake.fetch(commits[0], "bench/documents/")
    with stopwatch() as again:
        lake.fetch(commits[0], "bench/documents/")
    for part in view.iterdir():
        assert part.read_bytes() == (folder / "datasets/base" / part.name).read_bytes()
    return {
        **figures,
        **growth,
        "first": spent["base"]["seconds"],
        "change": spent["scattered"]["seconds"],
        "change_cpu": spent["scattered"]["cpu"],
        "back": back["seconds"],
        "again": again["seconds"],
    }


def documents(folder: Path, count: int) -> Figures:
    """Write the datasets that `versions` commits."""
    from _lake_documents import write_versions

    with stopwatch() as figures:
        write_versions(folder / "datasets", count)
    return figures


def datasets(folder: Path) -> list[Path]:
    """The datasets in the order in which they are committed, the unchanged one first."""
    return sorted((folder / "datasets").iterdir(), key=lambda path: (path.name != "base", path.name))


def random_block(size: int) -> bytes:
    """What `write_parts` fills each part of a dataset of `size` bytes with."""
    return os.urandom(size // PARTS - 8)


def write_parts(folder: Path, block: bytes) -> None:
    """64 files that differ in their first bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(PARTS):
        with (folder / f"part-{number:05d}.bin").open("wb") as stream:
            stream.write(number.to_bytes(8, "big"))
            stream.write(block)


def warm_memory(folder: Path, block: bytes) -> None:
    """Write as much as is measured next and delete it: memory of a virtual machine is slow at first touch."""
    write_parts(folder, block)
    shutil.rmtree(folder)
    os.sync()


def write_small(folder: Path, count: int) -> None:
    """Small files of random bytes in twenty folders."""
    for number in range(SMALL_FOLDERS):
        (folder / f"{number:02d}").mkdir(parents=True)
    for number in range(count):
        _small_file(folder, number).write_bytes(os.urandom(SMALL_BYTES))


def change_small(folder: Path, count: int) -> None:
    """Give other bytes to one in a hundred of the small files, scattered over all folders."""
    for number in range(0, count, 100):
        _small_file(folder, number).write_bytes(os.urandom(SMALL_BYTES))


def copy_to_disk(source: Path, target: Path) -> None:
    """Copy a folder and bring each file to disk, as who keeps a copy per version does."""
    shutil.copytree(source, target)
    for at, folders, names in os.walk(target):
        Path(at).chmod(0o755)
        for name in [*folders, *names]:
            fsync(Path(at, name))


def stored_bytes(*folders: Path) -> int:
    """Bytes of the files below some folders, hard links counted once."""
    sizes: dict[int, int] = {}
    for folder in folders:
        for at, _, names in os.walk(folder):
            for name in names:
                status = Path(at, name).lstat()
                sizes[status.st_ino] = status.st_size
    return sum(sizes.values())


def fsync(path: Path) -> None:
    """Bring a file or the names in a folder to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def stopwatch() -> Generator[Figures]:
    """Fills in wall and CPU seconds of the block, and the peak memory of the process until its end."""
    figures: Figures = {}
    seconds, cpu = time.perf_counter(), time.process_time()
    yield figures
    figures["seconds"] = time.perf_counter() - seconds
    figures["cpu"] = time.process_time() - cpu
    figures["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _maker(block: bytes, workspace: Workspace) -> Produced:
    write_parts(workspace.out, block)
    return Produced(rows=PARTS)


def _small_file(folder: Path, number: int) -> Path:
    return folder / f"{number % SMALL_FOLDERS:02d}" / f"{number:05d}"


def _written() -> int:
    """Bytes that this process caused to be written to disk, as Linux counts them."""
    lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    return int(dict(line.split(": ") for line in lines)["write_bytes"])


def _read_mapped(folder: Path) -> None:
    """Touch every page of the files where the page cache holds them; no byte is copied."""
    for file in sorted(folder.iterdir()):
        with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            sum(mapped[:: mmap.PAGESIZE])


CASES: dict[str, Callable[[Path, int], Figures]] = {
    case.__name__: case for case in (plain, published, fetched, small, versions, documents)
}

if __name__ == "__main__":
    print(json.dumps(CASES[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))))
