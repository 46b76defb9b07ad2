"""E-mail and IP addresses."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

from headwater.curate.pii.findings import Finding

MAX_LOCAL = 64
MAX_DOMAIN = 253
# Latin, Greek and Cyrillic letters may be part of an address (RFC 6531); Chinese or Japanese ones that touch
# it are the sentence around it.
_LETTERS = "A-Za-z\u00c0-\u024f\u0370-\u03ff\u0400-\u04ff"
_LOCAL_BACKWARDS = re.compile(rf"[{_LETTERS}0-9._%+-]{{1,{MAX_LOCAL + 1}}}")
_DOMAIN = re.compile(
    rf"((?:[{_LETTERS}0-9](?:[{_LETTERS}0-9-]{{0,61}}[{_LETTERS}0-9])?\.){{1,8}}(?:[A-Za-z]{{2,24}}|[Xx][Nn]--[A-Za-z0-9-]{{2,59}}))"
    r"(?![A-Za-z0-9_@-]|\.[A-Za-z0-9])"
)
_GLOBAL_UNICAST = re.compile("[23][0-9A-Fa-f]{3}:")
_RESERVED_DOMAINS = ("example.com", "example.org", "example.net")
_RESERVED_ENDINGS = (
    *(".example", ".test", ".invalid", ".localhost", ".local"),
    *(f".{domain}" for domain in _RESERVED_DOMAINS),
)
_FILE = re.compile(r"\.(?:png|jpe?g|gif|svg|webp|js|mjs|ts|css|py|rb|md|json|html?|service|target|socket)$")
_VERSION = re.compile(r"v?\d+\.\d")
_REMOTE_PATH = re.compile(r":(?:[~/]|[\w.-]+/)")
_REMOTE_SHELL = re.compile(r"(?<![A-Za-z])(?:ssh|scp|sftp|rsync|mosh|ssh-copy-id|sshfs)\s[^\n]{0,60}$")
_REMOTE_SHELL_PARTS = ("ssh", "scp", "sftp", "rsync", "mosh")
_LINK = re.compile(r"://[^\s/@]*$")

_OCTETS = re.compile(r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![A-Za-z0-9_-]|\.[0-9])")
_VERSION_BEFORE = re.compile(
    r"(?:\bv|\bver(?:sion)?\.?|\brelease|\boid|==|>=|<=|~=|[<>=])\s{0,2}$", re.IGNORECASE
)
# Four small numbers are a section of a book or a version more often than an address: of all addresses one in
# 256 has no number from 64 on, and documentation is full of the others.
SMALL = 64
_NETWORK_WORD = re.compile(
    r"(?:\bips?\b|\bipv4|addr|host|server|\bdns|client|remote|\bping|peer|gateway|proxy|connect|://|адрес|アドレス|地址)"
    r"[^\n]{0,16}$|(?:\bfrom|\bvia|\bvon|\bdesde|来自)\s?$",
    re.IGNORECASE,
)
_PORT = re.compile(r":[0-9]{1,5}\b|/32\b")
_PREFIX_LENGTH = re.compile(r"/([0-9]{1,3})\b")
_HEX_GROUPS = re.compile(r"[0-9A-Fa-f]{1,4}(?::{1,2}[0-9A-Fa-f]{1,4}){2,7}(?:::)?(?![A-Za-z0-9_:]|\.[0-9])")


def email_around(text: str, at: int, allow: frozenset[str]) -> Finding | None:
    """The e-mail address whose `@` is at this position.

    None for reserved and allowed domains, for what merely looks like one (file names, package versions), for
    passwords in links, and for accounts at hosts in commands of remote shells and repositories.
    """
    domain = _DOMAIN.match(text, at + 1, min(len(text), at + 2 + MAX_DOMAIN))
    start = _local_start(text, at)
    if domain is None or start is None:
        return None
    end = domain.end()
    host = domain.group(1).lower()
    if host in _RESERVED_DOMAINS or host.endswith(_RESERVED_ENDINGS) or host in allow:
        return None
    if _FILE.search(host) or _VERSION.match(host):
        return None
    if text[start:at] == "git" or _REMOTE_PATH.match(text, end):
        return None
    before = text[max(0, start - 80) : start]
    if "://" in before and _LINK.search(before):
        return None
    for part in _REMOTE_SHELL_PARTS:
        if part in before and _REMOTE_SHELL.search(before):
            return None
    return Finding(start, end, "email", "email")


def ipv4_at(text: str, start: int) -> Finding | None:
    """The IPv4 address that begins here, if all the Internet can reach it and it is no version or section."""
    found = _OCTETS.match(text, start)
    if found is None or (start > 0 and text[start - 1] in ".@-"):
        return None
    if not _is_host(found) or _VERSION_BEFORE.search(text[max(0, start - 12) : start]):
        return None
    if max(map(int, found.group().split("."))) < SMALL:
        before = text[max(0, start - 40) : start]
        if _PORT.match(text, found.end()) is None and _NETWORK_WORD.search(before) is None:
            return None
    return Finding(start, found.end(), "ip", "ipv4")


def ipv6_at(text: str, start: int) -> Finding | None:
    """The IPv6 address that begins here, if the whole Internet can reach it.

    Names such as abc::def of C++ are valid addresses too: real ones have a digit and three groups, and all
    that are in use begin with 2 or 3 (RFC 4291 and IANA's registry of global unicast addresses).
    """
    found = _HEX_GROUPS.match(text, start)
    if found is None or text[start - 1 : start] == "-" or _GLOBAL_UNICAST.match(found.group()) is None:
        return None
    if not any(character in "0123456789" for character in found.group()):
        return None
    return Finding(start, found.end(), "ip", "ipv6") if _is_host(found) else None


def _local_start(text: str, at: int) -> int | None:
    """Where the part before the @ begins; None if there is none, or one longer than 64 characters."""
    found = _LOCAL_BACKWARDS.match(text[max(0, at - MAX_LOCAL - 1) : at][::-1])
    if found is None or found.end() > MAX_LOCAL:
        return None
    local = found.group()[::-1].lstrip(".")
    return at - len(local) if local else None


def _is_host(found: re.Match[str]) -> bool:
    """Whether it is a host that can be reached, and no network as in 52.94.0.0/22."""
    size = _host_size(found.group())
    if size is None:
        return False
    network = _PREFIX_LENGTH.match(found.string, found.end())
    return network is None or int(network.group(1)) == size


@lru_cache(maxsize=4096)
def _host_size(written: str) -> int | None:
    """Bits of an address that is globally reachable (IANA's special-purpose registries), else None."""
    try:
        address = ipaddress.ip_address(written)
    except ValueError:
        return None
    return address.max_prefixlen if address.is_global and not address.is_multicast else None
