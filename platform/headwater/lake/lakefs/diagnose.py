"""Why a lakeFS cannot be used, and what to do about it: one sentence each, in the order of causes."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime

from headwater.findings import Finding
from headwater.lake.errors import Denied, LakeError, NotFound
from headwater.lake.lakefs.address import CA_FILE, KEY_ID, SECRET, Address, Keys, ca_file
from headwater.lake.lakefs.control import Control
from headwater.lake.lakefs.data import Data
from headwater.lake.lakefs.transaction import transaction
from headwater.lake.names import PROTECTED_BRANCHES

OLDEST = (1, 48, 1)
"""Squash merges came with 1.48.0, which squashed every merge; 1.48.1 mended that (lakeFS's release notes)."""

MOST_SKEW_SECONDS = 300
"""S3 signatures are refused when clocks differ by more than 15 minutes; a third of that is worth a word."""

TIMEOUT = (5.0, 15.0)
_PROBE = "headwater-doctor"
_NAMESPACE = re.compile(r"(?:s3|gs|https?|mem|local)://.+")


def diagnose(location: str, *, create_in: str | None = None) -> Iterator[Finding]:
    """Look at the way to a lakeFS repository step by step, until one step bars the next.

    With `create_in`, the storage namespace (such as `s3://bucket/folder`), a missing repository is made and
    its branches `main` and `production` are protected from writing other than by merging. Nothing else is
    changed, but for a hidden branch that exists for a moment. Raises `ValueError` for a `create_in` that is
    no namespace.
    """
    if create_in is not None and not _NAMESPACE.fullmatch(create_in):
        raise ValueError(
            f"create_in: expected a storage namespace such as s3://bucket/folder, got {create_in!r}"
        )
    try:
        address, keys, trusted = Address.parse(location), Keys.from_environment(), ca_file()
    except ValueError as error:
        yield _bad(
            "settings", str(error), f"set HEADWATER_LAKE, {KEY_ID} and {SECRET} as the lakeFS server needs"
        )
        return
    reached = list(_reach(address, trusted))
    yield from reached
    if not all(finding.ok for finding in reached):
        return
    control = Control(address, keys, trusted, TIMEOUT)
    yield from _server(control, address, lambda: Data(address, keys, trusted), create_in)


def _server(
    control: Control, address: Address, data: Callable[[], Data], create_in: str | None
) -> Iterator[Finding]:
    try:
        yield _version(str(control.config().get("version_config", {}).get("version", "")))
        made = _create(control, create_in) if create_in else False
        head = control.branch("main")
        where = (
            f"the repository {address.repository!r} {'was made' if made else 'is there'}, main at {head[:12]}"
        )
        yield Finding("repository", True, where)
    except Denied as error:
        if "does not know" in str(error):
            yield _bad(
                "key",
                f"the server at {address.endpoint} refuses the key: {error}",
                f"set {KEY_ID} and {SECRET} to a pair that lakeFS shows under Administration, Access Keys",
            )
        else:
            yield _bad(
                "permission", str(error), "ask the server's administrator for read access to the repository"
            )
        return
    except NotFound as error:
        yield _bad(
            "repository",
            f"{address.endpoint} has no repository {address.repository!r} with a branch main ({error})",
            "correct its name in HEADWATER_LAKE, or run: headwater doctor --create-repository NAMESPACE",
        )
        return
    except LakeError as error:
        yield _bad("server", str(error), "look at the lakeFS server's log and at proxies in between")
        return
    yield from _protection(control)
    yield from _writing(control, data, head)


def _reach(address: Address, trusted: str | None) -> Iterator[Finding]:
    import urllib3
    from urllib3.exceptions import (
        ConnectTimeoutError,
        HTTPError,
        MaxRetryError,
        NameResolutionError,
        NewConnectionError,
        SSLError,
    )

    pool = urllib3.PoolManager(ca_certs=trusted, retries=False, timeout=urllib3.Timeout(*TIMEOUT))
    try:
        answer = pool.request("GET", f"{address.endpoint}/api/v1/healthcheck")
    except HTTPError as error:
        cause = error.reason if isinstance(error, MaxRetryError) else error
        if isinstance(cause, SSLError):
            yield _tls(address, str(cause))
        elif isinstance(cause, NameResolutionError):
            yield _bad(
                "endpoint", f"the name in {address.endpoint} is unknown", "correct the host in HEADWATER_LAKE"
            )
        elif isinstance(cause, ConnectTimeoutError | NewConnectionError):
            yield _bad(
                "endpoint",
                f"nothing answers at {address.endpoint} ({cause})",
                "start the lakeFS server, or correct host and port (lakeFS's own: 8000) in HEADWATER_LAKE",
            )
        else:
            yield _bad(
                "endpoint",
                f"{address.endpoint} broke off or did not answer in time ({cause})",
                "check that the port is lakeFS's, and http or https as in HEADWATER_LAKE",
            )
        return
    if answer.status not in (200, 204):
        yield _bad(
            "endpoint",
            f"{address.endpoint} answers, but not as lakeFS does (HTTP {answer.status} to a health check)",
            "correct scheme, host and port in HEADWATER_LAKE; a proxy in front must pass on every path",
        )
        return
    yield Finding("endpoint", True, f"lakeFS answers at {address.endpoint}")
    yield from _clock(answer.headers.get("date"))


def _tls(address: Address, said: str) -> Finding:
    if "WRONG_VERSION_NUMBER" in said.upper().replace(" ", "_") or "RECORD_LAYER" in said.upper():
        return _bad("tls", f"{address.endpoint} does not speak TLS", "write lakefs+http:// in HEADWATER_LAKE")
    return _bad(
        "tls",
        f"the certificate of {address.endpoint} is not trusted ({said})",
        f"set {CA_FILE} to the PEM file of the authority that signed it, and use the host name that it names",
    )


def _clock(date: str | None) -> Iterator[Finding]:
    try:
        there = parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return
    skew = time.time() - there
    if abs(skew) > MOST_SKEW_SECONDS:
        yield _bad(
            "clock",
            f"this machine's clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} the server's, "
            "and S3 refuses signatures that are too old or not yet valid",
            "synchronize both clocks (NTP)",
        )


def _version(version: str) -> Finding:
    numbers = re.match(r"v?(\d+)\.(\d+)\.(\d+)", version)
    if numbers is None:
        return Finding("version", True, f"lakeFS does not tell a version that can be compared ({version!r})")
    wanted = ".".join(map(str, OLDEST))
    return Finding(
        "version",
        tuple(map(int, numbers.groups())) >= OLDEST,
        f"lakeFS {version}",
        f"update lakeFS to {wanted} or newer: older ones cannot squash, so every change shows as two commits",
    )


def _create(control: Control, namespace: str) -> bool:
    try:
        control.repository()
    except NotFound:
        control.create_repository(namespace)
        control.protect(PROTECTED_BRANCHES)
        return True
    return False


def _protection(control: Control) -> Iterator[Finding]:
    try:
        open_branches = sorted(set(PROTECTED_BRANCHES) - set(control.protected()))
    except Denied:
        yield Finding("protection", True, "this key may not read which branches are protected")
        return
    yield Finding(
        "protection",
        not open_branches,
        f"not protected: {', '.join(open_branches)}"
        if open_branches
        else "main and production are protected",
        "protect these branches in the repository's settings, so that nothing gets there without its audit",
    )


def _writing(control: Control, data: Callable[[], Data], head: str) -> Iterator[Finding]:
    try:
        with transaction(control, "main", head) as draft:
            made = data()
            made.send(draft, _PROBE, b"probe", {})
            if made.head(draft, _PROBE) != len(b"probe"):
                raise LakeError("the S3 gateway returned another object than it was given")
    except Denied as error:
        if "Signature" in str(error) or "Skewed" in str(error):
            remedy = (
                f"check {SECRET} and this machine's clock; a proxy in front of lakeFS must leave the Host "
                "header as it is, for it is signed"
            )
        else:
            remedy = "ask the server's administrator for a key that may write to this repository"
        yield _bad("permission", f"this key cannot write: {error}", remedy)
    except LakeError as error:
        yield _bad(
            "gateway", f"the S3 gateway does not work: {error}", "check that HEADWATER_LAKE's host serves it"
        )
    else:
        yield Finding("permission", True, "this key can write, through the API and the S3 gateway")


def _bad(area: str, what: str, remedy: str) -> Finding:
    return Finding(area, False, what, remedy)
