"""Compile every kernel once, so that no build waits for it."""

from __future__ import annotations

import importlib
import pkgutil
import shutil
import time

import headwater.curate.kernels as kernels
from headwater.curate.kernels.buffers import COMPILED, compiled_folder


def main() -> None:
    """Run `warm()` of every module of the package, and remove what was compiled from earlier sources."""
    begin = time.perf_counter()
    current = compiled_folder()
    for stale in current.parent.glob(f"{COMPILED}*"):
        if stale != current:
            shutil.rmtree(stale, ignore_errors=True)
    for module in pkgutil.iter_modules(kernels.__path__, kernels.__name__ + "."):
        if module.name.endswith("__main__"):
            continue
        warm = getattr(importlib.import_module(module.name), "warm", None)
        if warm is not None:
            warm()
    print(f"kernels compiled in {time.perf_counter() - begin:.1f} s")


if __name__ == "__main__":
    main()
