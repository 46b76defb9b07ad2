"""What this machine is, as far as speed and the last bits of a product depend on it."""

from __future__ import annotations

import os
import platform
from pathlib import Path

_CPU_INFO = Path("/proc/cpuinfo")
_IDENTIFYING = ("model name", "flags", "Features", "CPU part")


def usable_cores() -> int:
    """Cores that this process may use, which in a container are fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> list[str]:
    """Lines that are equal on machines whose arithmetic kernels are the same."""
    lines = {platform.machine(), platform.processor()}
    if _CPU_INFO.is_file():
        lines |= {
            line
            for line in _CPU_INFO.read_text(encoding="utf-8").splitlines()
            if line.split(":")[0].strip() in _IDENTIFYING
        }
    return sorted(lines)
