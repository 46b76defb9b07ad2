"""How commands print: a table for people, one JSON document for programs, errors in one sentence."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from headwater.lake.errors import LakeError

_OF_PATHS = (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError)
WIDE = 200
"""Columns where nobody's terminal sets a limit: what is piped or kept must not be folded."""


def _width() -> int | None:
    """None leaves it to the terminal, or to COLUMNS."""
    return None if sys.stdout.isatty() or os.environ.get("COLUMNS") else WIDE


console = Console(highlight=False, width=_width())
errors = Console(stderr=True, highlight=False)


def emit(as_json: bool, value: Any, show: Callable[[], None]) -> None:
    """Print `value` as JSON, or call `show` to print it for people."""
    if as_json:
        sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")
    else:
        show()


def table(title: str, rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> None:
    """Print rows; `columns` maps a key to its heading. Numbers are right-aligned."""
    drawn = Table(title=title or None, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for key, heading in columns.items():
        numeric = bool(rows) and all(isinstance(row.get(key), int | float) for row in rows)
        drawn.add_column(heading, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(_text(row.get(key, "")) for key in columns))
    console.print(drawn)


@contextmanager
def readable_errors() -> Generator[None]:
    """Turn the errors that people cause into one line and exit code 1; let defects show their trace."""
    try:
        yield
    except (LakeError, ValueError, ModuleNotFoundError, *_OF_PATHS) as error:
        errors.print("[red]error:[/red] " + escape(_told(error)), soft_wrap=True)
        raise typer.Exit(1) from error


def _told(error: Exception) -> str:
    """What a person is told: of an error of the file system the path and what is wrong with it."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror[0].lower()}{error.strerror[1:]}"
    return str(error)


def show_progress(quiet: bool) -> None:
    """Print what the core logs to standard error, with the time since start."""
    if quiet:
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_SinceStart())
    logger = logging.getLogger("headwater")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False


class _SinceStart(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return f"[{record.relativeCreated / 1000:6.1f} s] {record.getMessage()}"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    return str(value)
