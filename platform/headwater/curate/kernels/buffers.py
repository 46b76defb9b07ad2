"""String columns as the kernels see them: one array of bytes and one of offsets, without a copy."""

from __future__ import annotations

import gc
import hashlib
import importlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self, TypeVar, cast

import numpy as np
import pyarrow as pa

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Offsets = np.ndarray[Any, np.dtype[np.int64]]
Kernel = TypeVar("Kernel", bound=Callable[..., Any])
COMPILED = "kernels-"
_BLAS = "scipy.linalg.cython_blas"


@dataclass(frozen=True)
class TextBuffers:
    """The UTF-8 of a string column: document `i` is `data[offsets[i]:offsets[i + 1]]`."""

    data: Bytes
    offsets: Offsets

    @classmethod
    def of(cls, column: pa.Array) -> Self:
        """The buffers of a string column; a null counts as an empty text."""
        filled = column.fill_null("") if column.null_count else column
        wide = filled.cast(pa.large_string())
        _, offsets, data = wide.buffers()
        begin = np.frombuffer(offsets, dtype=np.int64)[wide.offset : wide.offset + len(wide) + 1]
        text = np.frombuffer(data if data is not None else b"", dtype=np.uint8)
        begin = begin if len(wide) else np.zeros(1, dtype=np.int64)
        # Some memory of Arrow may be written to: to numba that is another type, and a second compilation.
        for values in (text, begin):
            values.setflags(write=False)
        return cls(text, begin)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def sizes(self) -> Offsets:
        """Bytes of each document."""
        return np.diff(self.offsets)


def compiled_folder() -> Path:
    """Where compiled kernels are kept: a folder for each state of this package's sources.

    numba looks at the file of a kernel, not at those of the kernels that it calls: without a folder of their
    own, compiled callers would go on running what an update has changed.
    """
    sources = Path(__file__).parent
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(sources.glob("*.py"))))
    root = Path(os.environ.get("NUMBA_CACHE_DIR") or sources / "__pycache__")
    return root / f"{COMPILED}{digest.hexdigest()[:16]}"


def jit(function: Kernel) -> Kernel:
    """Compile with numba: without the interpreter's lock, kept on disk for the next process."""
    return cast(Kernel, _numba().njit(cache=True, nogil=True)(function))


def bare_jit(function: Kernel) -> Kernel:
    """The same for a kernel that makes no array: without the counting of references to those it is given.

    That counting takes a good part of the time where small functions are called for each word.
    """
    return cast(Kernel, _numba().njit(cache=True, nogil=True, _nrt=False)(function))


def inlined(function: Kernel) -> Kernel:
    """Compile into the kernels that call it."""
    return cast(Kernel, _numba().njit(nogil=True, _nrt=False, forceinline=True)(function))


@cache
def _numba() -> Any:
    """numba, made ready; who needs no kernel does not wait for it."""
    # What is loaded, hundreds of thousands of objects, stays. To look through it for garbage, now and ever
    # again, took 5 % of a build that finds near duplicates.
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _loaded()
    finally:
        gc.freeze()
        if collecting:
            gc.enable()


def _loaded() -> Any:
    import numba
    from numba.core import entrypoints
    from numba.core.registry import cpu_target

    # At its first call numba loads what any installed package registers with it, scipy to learn whether
    # there is a matrix product, and cffi with its parser of C. The kernels take arrays alone, multiply none
    # and call no C; all three together take longer than numba itself.
    entrypoints._already_initialized = True  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue]
    _load_without("numba.np.arraymath", _BLAS)
    _load_without("numba.core.typing.cffi_utils", "cffi")
    _keep_compiled(numba)
    # Or else at the first call.
    target: Any = cpu_target
    target.typing_context.refresh()
    target.target_context.refresh()
    return numba


def _load_without(module: str, hidden: str) -> None:
    """Import a module that can do without another one, which stays unknown to it unless it is loaded."""
    if hidden in sys.modules:
        return
    sys.modules[hidden] = None  # pyright: ignore[reportArgumentType]
    importlib.import_module(module)
    del sys.modules[hidden]


def _keep_compiled(numba: Any) -> None:
    folder = compiled_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        # An installation that may not be written to: numba finds a place below the user's caches.
        return
    numba.config.CACHE_DIR = str(folder)
