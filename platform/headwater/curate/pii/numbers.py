"""Numbers in groups: payment cards, national identifiers, telephone numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from headwater.curate.pii.checksums import iban_is_valid, luhn
from headwater.curate.pii.findings import Finding, Kind
from headwater.curate.pii.identifiers import LETTERED, scheme_of
from headwater.curate.pii.phones import is_international_phone, national_phone, phone_is_announced

CONTEXT = 48
MIN_DIGITS = 7
_SEPARATOR = "(?:[ .()\\-/]{1,2}|[+\u00a0\u202f\u2011])"
_RUN = re.compile(rf"[0-9]{{1,20}}(?:{_SEPARATOR}[0-9]{{1,20}}){{0,9}}")
_DIGITS = re.compile(r"[0-9]+")
_DATE = re.compile(r"(?:19|20)[0-9]{2}([-./])[0-9]{2}\1[0-9]{2}(?![0-9])")
_LETTER_AFTER = re.compile(r"[- ]?[A-Z](?![A-Za-z0-9_])")
_CONTINUES = re.compile(r"[A-Za-z0-9_]|[-./=:][A-Za-z0-9_]")
_WORD_AFTER = re.compile("[A-Za-z0-9_-]")
_FORM = str.maketrans("0123456789\u00a0\u202f\u2011", "dddddddddd  -")
_CAPITAL = re.compile("[A-Z]")
_NO_DIGIT = re.compile("[^0-9A-Z]")

_NETWORKS = re.compile(
    "(?:4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})"  # Visa
    "|(?:5[1-5]|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]+"  # Mastercard
    "|3[47][0-9]{13}"  # American Express
    "|3(?:0[0-5]|[68][0-9])[0-9]{11}"  # Diners Club
    "|6(?:011|4[4-9][0-9]|5[0-9]{2})[0-9]{12}"  # Discover
    "|35(?:2[89]|[3-8][0-9])[0-9]{12}"  # JCB
    ")"
)
_CARD_FORM = re.compile(r"d{13,19}|d{4}([ -])d{4}\1d{4}\1d{4}(?:\1d{3})?|d{4}([ -])d{6}\2d{4,5}")
CARD_GROUPS = (*((size,) for size in range(13, 20)), (4, 4, 4, 4), (4, 4, 4, 4, 3), (4, 6, 4), (4, 6, 5))
_CARD_WORDS = "card visa amex karte carte tarjeta cartão carta kaart kort карт 卡 カード"
CARD_WORDS = tuple(_CARD_WORDS.split())
_CARD_WORD = re.compile("|".join(CARD_WORDS))

_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]){11,30}")
# Characters of the account number of each country (SWIFT's registry of ISO 13616).
_IBAN_REGISTRY = """
    AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28
    EE20 EG29 ES24 FI18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30
    KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 OM23 PK24
    PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26
    UA29 VA22 VG24 XK20
"""
_IBAN_SIZES = {entry[:2]: int(entry[2:]) for entry in _IBAN_REGISTRY.split()}


class Prefix(NamedTuple):
    """The first groups of a number."""

    end: int
    form: str
    """`ddd-dd-dddd`"""
    digits: str


@dataclass(frozen=True)
class Number:
    """A number in a text, with the text before it and all that it may be short of its last groups."""

    text: str
    start: int
    run: int
    """Where its last group ends."""
    before: str
    """Up to 48 characters before it, in lower case."""
    prefixes: tuple[Prefix, ...]
    """The longest first."""


def numbers_at(text: str, start: int, wanted: frozenset[Kind]) -> Iterator[Finding]:
    """What the digits are that begin here; at most one finding for each kind."""
    run = _RUN.match(text, start)
    if run is None or _DATE.match(text, start):
        return
    ends = [group.end() for group in _DIGITS.finditer(text, start, run.end())]
    if _digit(text, ends[-1]):
        ends.pop()
    prefixes = _prefixes(text, start, ends)
    if not prefixes:
        return
    number = Number(text, start, ends[-1], text[max(0, start - CONTEXT) : start].lower(), prefixes)
    if "card" in wanted:
        yield from _card(number)
    if "national_id" in wanted:
        yield from _identifier(number)
    if "phone" in wanted:
        yield from _phone(number)


def _prefixes(text: str, start: int, ends: list[int]) -> tuple[Prefix, ...]:
    found: list[Prefix] = []
    for end in reversed(ends):
        written = text[start:end]
        digits = _NO_DIGIT.sub("", written)
        if len(digits) < MIN_DIGITS:
            break
        found.append(Prefix(end, written.translate(_FORM), digits))
    return tuple(found)


def lettered_at(text: str, start: int, wanted: frozenset[Kind]) -> Iterator[Finding]:
    """What the identifier is that begins here with capital letters."""
    if "iban" in wanted and (end := _iban_end(text, start)) is not None:
        yield Finding(start, end, "iban", "iban")
    if "national_id" in wanted and (found := _LETTERED.match(text, start)) is not None:
        form = _CAPITAL.sub("L", found.group()).translate(_FORM)
        before = text[max(0, start - CONTEXT) : start]
        label = scheme_of(form, _NO_DIGIT.sub("", found.group()), before)
        if label is not None:
            yield Finding(start, found.end(), "national_id", label)


def _digit(text: str, index: int) -> bool:
    return index < len(text) and text[index] in "0123456789"


def _complete(number: Number) -> Iterator[Prefix]:
    """The prefixes after which something else begins."""
    return (prefix for prefix in number.prefixes if _CONTINUES.match(number.text, prefix.end) is None)


def _stands_alone(number: Number, forbidden: str) -> bool:
    return not (number.before and number.before[-1] in forbidden)


def _card(number: Number) -> Iterator[Finding]:
    for end, form, digits in _complete(number):
        if 13 <= len(digits) <= 19 and _CARD_FORM.fullmatch(form) and _is_card(digits):
            # Thirteen digits are a time in milliseconds more often than an old card.
            alone = len(digits) > 13 and _stands_alone(number, ".:/+-=")
            if alone or _CARD_WORD.search(number.before):
                yield Finding(number.start, end, "card", "card")
            return


def _is_card(digits: str) -> bool:
    mastercard = digits[0] in "25"
    return _NETWORKS.fullmatch(digits) is not None and (len(digits) == 16 or not mastercard) and luhn(digits)


def _identifier(number: Number) -> Iterator[Finding]:
    if not _stands_alone(number, "./+-"):
        return
    letter = _LETTER_AFTER.match(number.text, number.run)
    if letter is not None:
        written = number.text[number.start : letter.end()]
        form = _CAPITAL.sub("L", written).translate(_FORM)
        label = scheme_of(form, _NO_DIGIT.sub("", written), number.before)
        if label is not None:
            yield Finding(number.start, letter.end(), "national_id", label)
            return
    for end, form, digits in _complete(number):
        label = scheme_of(form, digits, number.before)
        if label is not None:
            yield Finding(number.start, end, "national_id", label)
            return


def _phone(number: Number) -> Iterator[Finding]:
    text, start = number.text, number.start
    plus = number.before.endswith("+")
    first = start - 1 if plus else start
    if first > 0 and text[first - 1] == "(":
        first -= 1
    before = number.before[: len(number.before) - (start - first)]
    announced = phone_is_announced(before)
    # What stands directly before a number of another kind; after "tel." or "phone=" it is one nevertheless.
    if not announced and before.endswith((".", "+", "/", "=", "-")):
        return
    if plus and before[-1:].isalnum():
        return
    for end, form, digits in _complete(number):
        begin = first if text[first] != "(" or ")" in form else first + 1
        if plus:
            label = "international" if is_international_phone(form, digits, announced=announced) else None
        else:
            label = national_phone(form, digits, parenthesized=first < start, announced=announced)
        if label is not None:
            yield Finding(begin, end, "phone", label)
            return


def _iban_end(text: str, start: int) -> int | None:
    """End of the account number that begins here; a capitalized word may follow it after a space."""
    found = _IBAN.match(text, start)
    size = _IBAN_SIZES.get(text[start : start + 2])
    if found is None or size is None:
        return None
    places = [index for index in range(start, found.end()) if text[index] != " "]
    if len(places) < size:
        return None
    end = places[size - 1] + 1
    if _WORD_AFTER.match(text, end) or not iban_is_valid(text[start:end]):
        return None
    return end


def _lettered_pattern() -> re.Pattern[str]:
    forms = sorted(
        {form for scheme in LETTERED for form in (*scheme.free, *scheme.announced)},
        key=lambda form: (-len(form), form),
    )
    alternatives = "|".join(form.replace("L", "[A-Z]").replace("d", "[0-9]") for form in forms)
    return re.compile(rf"(?:{alternatives})(?![A-Za-z0-9_])")


_LETTERED = _lettered_pattern()
