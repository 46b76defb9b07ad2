"""One detector for each kind of personal data: a pattern, and a check that leaves false alarms alone."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

Detector = Callable[[str, frozenset[str]], tuple[str, int]]
"""Text and allowed e-mail domains → text with placeholders and their number."""

_EMAIL = re.compile(
    r"(?<![\w.+%-])[A-Za-z0-9_%+-][A-Za-z0-9._%+-]{0,63}@((?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24})"
    r"(?![\w@-])"
)
_RESERVED_DOMAINS = ("example.com", "example.org", "example.net")
_RESERVED_ENDINGS = (".example", ".test", ".invalid", ".localhost", ".local")
# What looks like an address but is the host of a repository, or a file.
_NO_MAILBOX = re.compile(r"^git@|\.(?:png|jpe?g|gif|svg|js|css|py)$", re.IGNORECASE)

_IPV4 = re.compile(r"(?<![\w.@-])(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)")
_VERSION_BEFORE = re.compile(r"(?:\bv|\bver(?:sion)?\.?|==|>=|<=|~=|[<>=])\s{0,2}$", re.IGNORECASE)
_PREFIX_LENGTH = re.compile(r"/(\d{1,3})\b")
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{1,4}(?::{1,2}[0-9A-Fa-f]{1,4}){2,7}(?:::)?)(?![\w:]|\.\d)")

_PHONE = re.compile(
    r"(?<![\w.+/=-])(?:"
    r"\+[1-9]\d{0,2}(?:[ .-]?\(\d{1,4}\))?(?:[ .-]?\d{1,5}){2,6}"  # international: +44 20 7946 0958
    r"|\(\d{3}\) ?\d{3}[-. ]\d{4}"  # North America: (212) 555-0142
    r"|[2-9]\d{2}([-.])\d{3}\1\d{4}"
    r")(?![\w]|[-./=]\w)"
)
_DIGITS = re.compile(r"\d{3}")
# Numbers that the North American numbering plan reserves for fiction: 555-0100 to 555-0199.
_FICTIONAL = re.compile(r"1?\d{3}55501\d\d")
_CARD = re.compile(r"(?<![\w.:/+-])[2-6]\d{3}(?:[ -]?\d){9,15}(?![\w]|[-.:/]\w)")
_CARD_PREFIX = re.compile(
    r"4|5[1-5]|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)|3[47]|3(?:0[0-5]|[68])|6(?:011|4[4-9]|5)|35(?:2[89]|[3-8]\d)"
)
_CARD_GROUPS = re.compile(r"\d+|\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|\d{4}([ -])\d{6}\2\d{4,5}")
_IBAN = re.compile(r"(?<![\w-])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![\w-])")

_SECRETS = (
    re.compile(
        r"-----BEGIN (?P<what>(?:[A-Z0-9]+ )?PRIVATE KEY(?: BLOCK)?)-----"
        r"(?P<body>.{20,20000}?)-----END (?P=what)-----",
        re.DOTALL,
    ),
    re.compile(r"(?<![A-Z0-9])(?:AKIA|ASIA|AGPA|AIDA|AROA|ANPA|ANVA|AIPA)[A-Z2-7]{16}(?![A-Z0-9])"),
    re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36,255}\b"),
    re.compile(r"\bgithub_pat_[A-Za-z0-9_]{60,255}\b"),
    re.compile(r"\bglpat-[A-Za-z0-9_-]{20,}"),
    re.compile(r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
    re.compile(r"\bAIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"),
    re.compile(r"\b[rs]k_live_[A-Za-z0-9]{16,}"),
    re.compile(r"\bpypi-[A-Za-z0-9_-]{50,}"),
    re.compile(r"\bnpm_[A-Za-z0-9]{36}\b"),
    re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
)
_SECRET_HINT = re.compile(
    r"PRIVATE KEY|A(?:KIA|SIA|GPA|IDA|ROA|NPA|NVA|IPA)|gh[pousr]_|github_pat_|glpat-|xox|AIza|k_live_|pypi-"
    r"|npm_|eyJ|(?i:secret)"
)
# An AWS secret key has no prefix of its own: 40 characters, told by the name before it.
_NAMED_SECRET = re.compile(
    r"(?P<name>(?:secret[_ -]?(?:access[_ -]?)?key|SecretAccessKey)[\"']?\s{0,3}[:=]\s{0,3}[\"']?)"
    r"(?P<value>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])",
    re.IGNORECASE,
)


def emails(text: str, allow: frozenset[str]) -> tuple[str, int]:
    """E-mail addresses but those of reserved and allowed domains."""
    if "@" not in text:
        return text, 0

    def is_personal(match: re.Match[str]) -> bool:
        domain = match.group(1).lower()
        reserved = domain in _RESERVED_DOMAINS or domain.endswith(
            (*_RESERVED_ENDINGS, *(f".{name}" for name in _RESERVED_DOMAINS))
        )
        return not (reserved or domain in allow or _NO_MAILBOX.search(match.group()))

    return _replace(_EMAIL, text, "<EMAIL>", is_personal)


def ip_addresses(text: str, _allow: frozenset[str]) -> tuple[str, int]:
    """Addresses that are globally reachable (IANA's special-purpose registries say which are not).

    Networks such as 52.94.0.0/22 are no one's address and stay.
    """

    def is_global(match: re.Match[str]) -> bool:
        try:
            address = ipaddress.ip_address(match.group())
        except ValueError:
            return False
        network = _PREFIX_LENGTH.match(match.string, match.end())
        is_host = network is None or int(network.group(1)) == address.max_prefixlen
        return is_host and address.is_global and not address.is_multicast

    def is_global_4(match: re.Match[str]) -> bool:
        before = match.string[max(0, match.start() - 12) : match.start()]
        return is_global(match) and not _VERSION_BEFORE.search(before)

    def is_global_6(match: re.Match[str]) -> bool:
        return is_global(match) and _is_ipv6(match.group())

    text, four = _replace(_IPV4, text, "<IP>", is_global_4) if text.count(".") >= 3 else (text, 0)
    text, six = _replace(_IPV6, text, "<IP>", is_global_6) if text.count(":") >= 2 else (text, 0)
    return text, four + six


def phones(text: str, _allow: frozenset[str]) -> tuple[str, int]:
    """International numbers that begin with +, and North American ones in their usual groups.

    Not those which are reserved for fiction.
    """

    def is_phone(match: re.Match[str]) -> bool:
        digits = re.sub(r"\D", "", match.group())
        return 8 <= len(digits) <= 15 and not _FICTIONAL.fullmatch(digits)

    return _replace(_PHONE, text, "<PHONE>", is_phone) if _DIGITS.search(text) else (text, 0)


def cards(text: str, _allow: frozenset[str]) -> tuple[str, int]:
    """Payment cards: a network's prefix and length, in its usual groups, with a right check digit (Luhn)."""

    def is_card(match: re.Match[str]) -> bool:
        number = re.sub(r"\D", "", match.group())
        grouped = _CARD_GROUPS.fullmatch(match.group()) is not None
        return grouped and 13 <= len(number) <= 19 and bool(_CARD_PREFIX.match(number)) and luhn(number)

    return _replace(_CARD, text, "<CARD>", is_card)


def ibans(text: str, _allow: frozenset[str]) -> tuple[str, int]:
    """Account numbers of ISO 13616 with right check digits (mod 97)."""
    return _replace(_IBAN, text, "<IBAN>", lambda match: iban_is_valid(match.group()))


def secrets(text: str, _allow: frozenset[str]) -> tuple[str, int]:
    """Private keys and access tokens, by the prefixes that their issuers gave them for this purpose."""
    total = 0
    if not _SECRET_HINT.search(text):
        return text, 0
    for pattern in _SECRETS:
        text, count = _replace(pattern, text, "<SECRET>", lambda match: "EXAMPLE" not in match.group())
        total += count

    def named(match: re.Match[str]) -> str:
        nonlocal total
        if "EXAMPLE" in match["value"]:
            return match.group()
        total += 1
        return match["name"] + "<SECRET>"

    return _NAMED_SECRET.sub(named, text), total


DETECTORS: dict[str, Detector] = {
    "secret": secrets,
    "email": emails,
    "iban": ibans,
    "card": cards,
    "ip": ip_addresses,
    "phone": phones,
}


def luhn(number: str) -> bool:
    """Whether the last digit is the right check digit (ISO/IEC 7812-1, annex B)."""
    total = 0
    for index, digit in enumerate(reversed(number)):
        value = int(digit) * (1 + index % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def iban_is_valid(text: str) -> bool:
    """Whether `text`, spaces aside, has 15 to 34 characters and right check digits (ISO 7064 mod 97-10)."""
    compact = text.replace(" ", "")
    if not 15 <= len(compact) <= 34:
        return False
    return int("".join(str(int(character, 36)) for character in compact[4:] + compact[:4])) % 97 == 1


def _is_ipv6(text: str) -> bool:
    # Names such as abc::def of C++ are valid addresses too: real ones have a digit and several groups.
    groups = [group for group in text.split(":") if group]
    return len(groups) >= 3 and any(character.isdigit() for character in text)


def _replace(
    pattern: re.Pattern[str], text: str, placeholder: str, is_meant: Callable[[re.Match[str]], bool]
) -> tuple[str, int]:
    count = 0

    def replacement(match: re.Match[str]) -> str:
        nonlocal count
        if not is_meant(match):
            return match.group()
        count += 1
        return placeholder

    return pattern.sub(replacement, text), count
