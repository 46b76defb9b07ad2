"""What every source of raw files is: a name and a listing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, BinaryIO, Protocol

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints


class SourceError(Exception):
    """A source cannot be read as a whole; nothing may be published from it."""


class ListingFailed(SourceError):
    """The files of a source could not be listed; the message says how to mend it."""


class ListingShrank(SourceError):
    """A source lists so many fewer files than before that something is likely broken there."""


class Settings(BaseModel):
    """Base of everything that comes from YAML: frozen, and unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Reading(Settings):
    """How the files of a source become documents. In YAML a plain string stands for `{name: <string>}`.

    `name` is a reader's name (see `headwater.curate.extract`) or `package.module:function`; without one the
    media type of each file decides. The other fields are for JSON and JSON lines: which field holds the
    text, the title and the identifier; all other scalar fields become attributes.
    """

    name: str | None = None
    text: str = "text"
    title: str = "title"
    id: str = "id"


def _reading(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


class SourceSettings(Settings):
    """What every kind of source has: a name, which becomes the first part of its uris, and its reader."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
    reader: Annotated[Reading, BeforeValidator(_reading, json_schema_input_type=str | Reading)] = Field(
        default_factory=Reading
    )


class Listed(Protocol):
    """One file that a source offers."""

    @property
    def path(self) -> str:
        """Its path inside the source, with `/` between the parts."""
        ...

    @property
    def size(self) -> int:
        """Bytes, when it was listed."""
        ...

    @property
    def token(self) -> str:
        """Cheap text that differs when the file was changed; empty if there is none that can be trusted."""
        ...

    @property
    def changed_ns(self) -> int:
        """When it last changed, in nanoseconds since 1970; 0 where the source cannot say."""
        ...

    def open(self) -> BinaryIO:
        """A stream of its bytes. Raises `OSError`."""
        ...

    def current_token(self) -> str:
        """The token as of now, to see whether the file changed while it was read. Raises `OSError`."""
        ...


@dataclass(frozen=True)
class Refused:
    """A file that a source saw but cannot offer."""

    path: str
    reason: str
    detail: str


class Source(Protocol):
    """A named set of files."""

    @property
    def name(self) -> str:
        """First part of the uris of its files."""
        ...

    def list(self) -> Iterator[Listed | Refused]:
        """All files, each once, in an order that depends on their paths alone. Raises `ListingFailed`."""
        ...


_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\\]")


def escape(path: str) -> str:
    """`path` on one line and encodable: control characters, lone surrogates and backslashes as escapes."""
    return _UNSAFE.sub(lambda match: match.group().encode("unicode_escape", "surrogatepass").decode(), path)


def file_uri(source: str, path: str) -> str:
    """`<source>/<path>`, with `%` and `#` of the path encoded: `#` starts a part of a file."""
    return f"{source}/{escape(path).replace('%', '%25').replace('#', '%23')}"
