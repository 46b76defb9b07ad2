"""Where to look and what is found there: the one place in which all detectors come together.

A text is searched in two moves. `places` names where something may begin; `decide` asks the detectors of that
family, which look at no more than the text around the place. A batch takes its places from the kernel
instead, which passes over most of what `places` names, and none that `decide` would confirm.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import IntEnum

from headwater.curate.pii.addresses import email_around, ipv4_at, ipv6_at
from headwater.curate.pii.findings import Finding, Kind
from headwater.curate.pii.numbers import lettered_at, numbers_at
from headwater.curate.pii.secrets import (
    link_password_before,
    literal_at,
    literals,
    named_value_at,
    token_at,
)


class Family(IntEnum):
    """Families of places; the numbers are those of `headwater.curate.kernels.pii`."""

    AT = 0
    IPV4 = 1
    IPV6 = 2
    NUMBER = 3
    LETTERED = 4
    TOKEN = 5
    NAMED = 6
    LITERAL = 7


_OF_KIND: dict[Kind, tuple[Family, ...]] = {
    "secret": (Family.AT, Family.TOKEN, Family.NAMED, Family.LITERAL),
    "email": (Family.AT,),
    "iban": (Family.LETTERED,),
    "card": (Family.NUMBER,),
    "national_id": (Family.NUMBER, Family.LETTERED),
    "ip": (Family.IPV4, Family.IPV6),
    "phone": (Family.NUMBER,),
    "name": (),
}

_PATTERNS = {
    Family.AT: re.compile(r"(?<=[^\x00-\x20@])@(?=[A-Za-z0-9_.\-\x80-\U0010ffff])"),
    Family.IPV4: re.compile(r"(?<![A-Za-z0-9_])(?=(?:[0-9]{1,3}\.){3}[0-9])"),
    Family.IPV6: re.compile(r"(?<![A-Za-z0-9_:.])(?=[0-9A-Fa-f]{1,4}:[0-9A-Fa-f:])"),
    Family.NUMBER: re.compile(r"(?<![A-Za-z0-9_])(?=[0-9])"),
    Family.LETTERED: re.compile(r"(?<![A-Za-z0-9_])(?=[A-Z]{1,6}[ -]?[0-9])"),
    Family.TOKEN: re.compile(r"(?<![A-Za-z0-9_.-])[_.-]*(?=[A-Za-z0-9][A-Za-z0-9_.-]{15})"),
    Family.NAMED: re.compile(r"[:=]"),
}


def families_of(kinds: Iterable[Kind]) -> frozenset[Family]:
    """Which places have to be looked at to find these kinds."""
    return frozenset(family for kind in kinds for family in _OF_KIND[kind])


def places(text: str, families: frozenset[Family]) -> Iterator[tuple[int, Family]]:
    """Where something may be found, by pattern; see `headwater.curate.kernels.pii` for the fast way."""
    for family in sorted(families):
        pattern = _PATTERNS.get(family)
        if pattern is None:
            yield from ((start, family) for start in literals(text))
        else:
            # Of a token the marks before it are part of the match, of the others only the place itself.
            at_end = family == Family.TOKEN
            yield from (
                (found.end() if at_end else found.start(), family) for found in pattern.finditer(text)
            )


def decide(
    text: str, start: int, family: Family, wanted: frozenset[Kind], allow: frozenset[str]
) -> Iterator[Finding]:
    """What is found at one place; nothing beyond the text around it matters."""
    match family:
        case Family.AT:
            if "secret" in wanted and (secret := link_password_before(text, start)):
                yield secret
            found = email_around(text, start, allow) if "email" in wanted else None
        case Family.IPV4:
            found = ipv4_at(text, start)
        case Family.IPV6:
            found = ipv6_at(text, start)
        case Family.NUMBER:
            yield from numbers_at(text, start, wanted)
            return
        case Family.LETTERED:
            yield from lettered_at(text, start, wanted)
            return
        case Family.TOKEN:
            found = token_at(text, start)
        case Family.NAMED:
            found = named_value_at(text, start)
        case Family.LITERAL:
            found = literal_at(text, start)
    if found is not None:
        yield found
