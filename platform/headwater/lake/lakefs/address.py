"""Which lakeFS, which repository, and with which keys.

A location is `lakefs://host[:port]/repository` (over TLS; `lakefs+https://` says the same) or
`lakefs+http://host[:port]/repository` (plain, for a loopback or a private network). Keys and trust come from
the environment of each process and are never part of a location, a pickle, an error or a `repr`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

KEY_ID = "LAKEFS_ACCESS_KEY_ID"
SECRET = "LAKEFS_SECRET_ACCESS_KEY"  # noqa: S105 -- the name of a variable
CA_FILE = "LAKEFS_CA_FILE"
SCHEMES = {"lakefs": "https", "lakefs+https": "https", "lakefs+http": "http"}
_FORM = "lakefs://host[:port]/repository, or lakefs+http:// without TLS"
_REPOSITORY = re.compile(r"[a-z0-9][a-z0-9-]{2,62}")


@dataclass(frozen=True)
class Address:
    """`endpoint` is the server's URL without a path, `repository` the name of the repository."""

    endpoint: str
    repository: str

    @classmethod
    def parse(cls, location: str) -> Address:
        """Read a location. Raises `ValueError` saying what was expected."""
        parts = urlsplit(location)
        if "@" in parts.netloc:
            raise ValueError(f"location of the lake: expected {_FORM}; keys belong in {KEY_ID} and {SECRET}")
        try:
            port = parts.port
        except ValueError:
            raise ValueError(
                f"location of the lake: expected a port from 0 to 65535 in {location!r}"
            ) from None
        if parts.scheme not in SCHEMES or not parts.hostname or port == 0:
            raise ValueError(f"location of the lake: expected {_FORM}, got {location!r}")
        repository = parts.path.strip("/")
        if parts.query or parts.fragment or not _REPOSITORY.fullmatch(repository):
            raise ValueError(
                "location of the lake: expected the repository's name, 3 to 63 of a-z 0-9 -, after the host, "
                f"got {location!r}"
            )
        return cls(f"{SCHEMES[parts.scheme]}://{parts.netloc}", repository)

    def __str__(self) -> str:
        scheme, _, rest = self.endpoint.partition("://")
        return f"{'lakefs' if scheme == 'https' else 'lakefs+http'}://{rest}/{self.repository}"


@dataclass(frozen=True)
class Keys:
    """The access key. Neither part shows in its `repr`."""

    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Keys:
        """Raises `ValueError` naming the variable that is missing."""
        for name in (KEY_ID, SECRET):
            if not environment.get(name):
                raise ValueError(
                    f"environment variable {name}: expected a key of the lakeFS server, it is not set"
                )
        return cls(environment[KEY_ID], environment[SECRET])


def ca_file(environment: Mapping[str, str] = os.environ) -> str | None:
    """The file of certificates to trust instead of the system's. Raises `ValueError` if it is not there."""
    file = environment.get(CA_FILE) or None
    if file is not None and not Path(file).is_file():
        raise ValueError(f"environment variable {CA_FILE}: expected a file of PEM certificates, got {file!r}")
    return file
