"""Writes `.env` for docker/compose.yaml: .env.example with a fresh secret after each empty `NAME=`.

Needs nothing but Python. An existing file is never touched.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import sys
from pathlib import Path

_EMPTY = re.compile(r"^([A-Z][A-Z0-9_]*)=$", re.MULTILINE)


def filled(example: str) -> str:
    """The text with a secret after each `NAME=`: 20 characters for an access key's id, 64 for all else."""

    def fill(match: re.Match[str]) -> str:
        size = 10 if match[1].endswith("_ACCESS_KEY_ID") else 32
        return f"{match[0]}{secrets.token_hex(size)}"

    return _EMPTY.sub(fill, example)


def main() -> int:
    """The exit code: 1 if the file is there already."""
    root = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description="Write .env with fresh secrets.")
    parser.add_argument(
        "--output", type=Path, default=root / ".env", help="default: .env beside .env.example"
    )
    target: Path = parser.parse_args().output
    try:
        # Nobody else may read it, from its first moment.
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        print(f"{target} is there already and stays as it is", file=sys.stderr)
        return 1
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(filled((root / ".env.example").read_text(encoding="utf-8")))
    print(f"wrote {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
