"""Telephone numbers: the international form, the North American one, and any other after a word for it."""

from __future__ import annotations

import re

DIGITS = (8, 15)
"""Of an international number, calling code included (ITU-T E.164 allows 15)."""
NATIONAL_DIGITS = (8, 13)
_UNFORMATTED = 10
"""Digits that a number in one piece after a + must have if no word announces it."""

# Calling codes that the ITU has assigned (E.164, list of 2016); the rest of the digits are the subscriber's.
_CALLING_CODES = re.compile(
    "1|7|2(?:0|7|1[1-368]|[23468][0-9]|5[0-8]|9[01789])|3(?:[0-469]|5[0-9]|7[0-8]|8[0-35-79])|4(?:[013-9]|2[013])"
    "|5(?:[1-8]|0[0-9]|9[0-9])|6(?:[0-6]|7[02-9]|8[0-35-9]|9[0-2])|8(?:[1246]|00|08|5[02356]|7[08]|8[0-368])"
    "|9(?:[0-58]|6[0-8]|7[0-79]|9[2-68])"
)
_ELEVEN_DIGITS = ("1", "7")
NORTH_AMERICAN_GROUPS = ((3, 3, 4), (1, 3, 3, 4))
_NORTH_AMERICAN = re.compile(
    r"(?:d[- .])?(?:ddd([-.])ddd\1dddd)|(?:d[- .])?ddd\) ?ddd[-. ]dddd|d \(ddd\) ?ddd[-. ]dddd"
)
# Numbers that the North American numbering plan reserves for fiction: 555-0100 to 555-0199.
_FICTIONAL = re.compile(r"1?[0-9]{3}55501[0-9]{2}")
_DATE = re.compile(r"dd([./-])dd\1dddd|dddd([./-])dd\2dd|dd([./-])dd\3dd")
_LAST_WORDS = re.compile(r"[^\W\d_]+")
_PHONES = """
    tel telefon telefoon telefono telefone telefonu telefonnummer telefonnr telefonszám teléfono téléphone tél
    telefax fax faks mobile mobil mobiel mobilnummer móvil movil handy handynummer cell cellular cellulare
    celular cellulaire gsm portable telemóvel whatsapp hotline helpline komórka puhelin matkapuhelin
    тел телефон телефону факс моб мобильный τηλ τηλέφωνο κινητό هاتف جوال फ़ोन फोन मोबाइल טלפון נייד
"""
WORDS = frozenset(_PHONES.split())
COMPOUNDS = (
    "phone",
    "电话",
    "電話",
    "手机",
    "手機",
    "传真",
    "傳真",
    "携帯",
    "전화",
    "휴대폰",
    "연락처",
    "팩스",
)
"""Ends of words, since Chinese, Japanese and field names such as workPhone write no space before them."""
_INSTRUMENTS = "iphone smartphone microphone headphone gramophone saxophone xylophone homophone"
_OTHER_PHONES = frozenset(_INSTRUMENTS.split())
_BETWEEN = """
    number no nr num nummer numéro numero número номер 号码 號碼 番号 번호 전화번호
    is ist est es è at on us me to unter au al नंबर nº office work home direct or
"""
_FILLERS = frozenset(_BETWEEN.split())
_FILLER_ENDS = ("号码", "號碼", "番号", "번호", "是", "は")


def phone_is_announced(before: str) -> bool:
    """Whether the line so far, in lower case, ends with a word for a telephone.

    Only words such as "number" or "is" may follow it, and no digits.
    """
    line = before[before.rfind("\n") + 1 :]
    words = list(_LAST_WORDS.finditer(line))
    end = len(line)
    for found in reversed(words[-4:]):
        if any(character.isdigit() for character in line[found.end() : end]):
            return False
        word = found.group()
        for ending in _FILLER_ENDS:
            word = word.removesuffix(ending)
        if word in WORDS or (word.endswith(COMPOUNDS) and word not in _OTHER_PHONES):
            return True
        if word and word not in _FILLERS:
            return False
        end = found.start()
    return False


def is_international_phone(form: str, digits: str, *, announced: bool) -> bool:
    """Whether the digits after a + are a telephone number; those reserved for fiction are not."""
    fewest, most = DIGITS
    if "+" in form or not fewest <= len(digits) <= most or _FICTIONAL.fullmatch(digits):
        return False
    if len(digits) < _UNFORMATTED and form == "d" * len(form) and not announced:
        return False
    if digits[0] in _ELEVEN_DIGITS:
        return len(digits) == 11
    return _CALLING_CODES.match(digits) is not None


def national_phone(form: str, digits: str, *, parenthesized: bool, announced: bool) -> str | None:
    """What kind of telephone number without a + it is, if any."""
    if "+" in form or _FICTIONAL.fullmatch(digits):
        return None
    if _NORTH_AMERICAN.fullmatch(form) and (")" in form) <= (parenthesized or "(" in form):
        national = digits[-10:]
        if national[0] in "23456789" and national[3] in "23456789" and digits[:-10] in ("", "1"):
            return "north_american"
    fewest, most = NATIONAL_DIGITS
    if announced and fewest <= len(digits) <= most and not _DATE.fullmatch(form):
        return "national"
    return None
