"""National identifiers: the form each country writes, its check digits, and the words that announce it.

A form is written with `d` for a digit, `L` for a capital letter and the separators as they are. A scheme
whose form and check digits leave little to chance is found anywhere, the others only after their words.
Rules of the numbers: the issuers' public descriptions, as gathered in Wikipedia's "National identification
number" and the articles on each of them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from headwater.curate.pii.checksums import is_day, luhn, mod_11_2, mod_11_10, verhoeff, weighted

Valid = Callable[[str], bool]


ANNOUNCED_WITHIN = 24
"""Characters that may stand between the word and the number, on the same line."""


@dataclass(frozen=True)
class Scheme:
    """One country's identifier; `free` forms need no word before them, those of `announced` do."""

    label: str
    valid: Valid
    words: tuple[str, ...]
    """What announces it, in lower case; of three letters only as a word of its own."""
    free: tuple[str, ...] = ()
    announced: tuple[str, ...] = ()


def _us_ssn(number: str) -> bool:
    # The Social Security Administration has never issued these.
    area, group, serial = number[:3], number[3:5], number[5:]
    known_fake = number in ("078051120", "219099999", "123456789", "111111111", "333333333", "457555462")
    return (
        area not in ("000", "666") and area < "900" and group != "00" and serial != "0000" and not known_fake
    )


def _uk_nhs(number: str) -> bool:
    check = 11 - weighted(number, range(10, 1, -1)) % 11
    return number[0] != "0" and check % 11 == int(number[9]) and len(set(number)) > 2


def _uk_nino(number: str) -> bool:
    first, second = number[0], number[1]
    allowed = first not in "DFIQUV" and second not in "DFIOQUV"
    return allowed and number[:2] not in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")


def _de_tax_id(number: str) -> bool:
    counts = sorted((number[:10].count(digit) for digit in set(number[:10])), reverse=True)
    repeated = counts[0] in (2, 3) and all(count == 1 for count in counts[1:])
    return number[0] != "0" and repeated and mod_11_10(number)


def _fr_nir(number: str) -> bool:
    body, key = number[:13].replace("2A", "19").replace("2B", "18"), number[13:]
    month = int(number[3:5])
    return number[0] in "12" and (1 <= month <= 12 or 20 <= month <= 42) and 97 - int(body) % 97 == int(key)


_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"


def _es_dni(number: str) -> bool:
    return number[-1] == _DNI_LETTERS[int(number[:-1]) % 23] and int(number[:-1]) > 0


def _es_nie(number: str) -> bool:
    return _es_dni(str("XYZ".index(number[0])) + number[1:])


_ODD_VALUES = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)


def _it_codice_fiscale(code: str) -> bool:
    total = 0
    for index, character in enumerate(code[:15]):
        value = int(character) if character.isdigit() else ord(character) - 65
        total += _ODD_VALUES[value] if index % 2 == 0 else value
    day = int(code[9:11])
    return chr(65 + total % 26) == code[15] and (1 <= day <= 31 or 41 <= day <= 71)


def _br_check(number: str, digits: int, weights: tuple[int, ...]) -> bool:
    if len(set(number)) == 1:
        return False
    for size in (digits, digits + 1):
        rest = weighted(number[:size], weights[-size:]) % 11
        if (0 if rest < 2 else 11 - rest) != int(number[size]):
            return False
    return True


def _br_cpf(number: str) -> bool:
    return _br_check(number, 9, tuple(range(11, 1, -1)))


def _br_cnpj(number: str) -> bool:
    return _br_check(number, 12, (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2))


def _in_aadhaar(number: str) -> bool:
    return number[0] in "23456789" and verhoeff(number) and len(set(number)) > 2


def _pl_pesel(number: str) -> bool:
    right = -weighted(number[:10], (1, 3, 7, 9) * 3) % 10 == int(number[10])
    return right and is_day(int(number[:2]), int(number[2:4]) % 20, int(number[4:6]))


def _nl_bsn(number: str) -> bool:
    total = weighted(number[:8], range(9, 1, -1)) - int(number[8])
    return total % 11 == 0 and len(set(number)) > 2


_CN_CODES = "11-15 21-23 31-37 41-46 50-54 61-65 71 81-83"
_CN_PROVINCES = frozenset(
    str(code)
    for first, _, last in (codes.partition("-") for codes in _CN_CODES.split())
    for code in range(int(first), int(last or first) + 1)
)


def _cn_resident_id(number: str) -> bool:
    year, month, day = int(number[6:10]), int(number[10:12]), int(number[12:14])
    born = 1900 <= year <= 2100 and is_day(year, month, day)
    return number[:2] in _CN_PROVINCES and born and mod_11_2(number)


def _se_personnummer(number: str) -> bool:
    short = number[-10:]
    day = int(short[4:6]) % 60  # coordination numbers add 60 to the day
    return is_day(int(short[:2]), int(short[2:4]), day) and luhn(short) and number[:-10] in ("", "19", "20")


def _fi_hetu(number: str) -> bool:
    body = int(number[:6] + number[6:9])
    born = is_day(int(number[4:6]), int(number[2:4]), int(number[:2]))
    return born and "0123456789ABCDEFHJKLMNPRSTUVWXY"[body % 31] == number[9]


def _no_fodselsnummer(number: str) -> bool:
    first = -weighted(number[:9], (3, 7, 6, 1, 8, 9, 4, 5, 2)) % 11
    second = -weighted(number[:10], (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    born = is_day(int(number[4:6]), int(number[2:4]), int(number[:2]) % 40)
    return born and (first, second) == (int(number[9]), int(number[10]))


def _dk_cpr(number: str) -> bool:
    return is_day(int(number[4:6]), int(number[2:4]), int(number[:2]))


def _be_national_number(number: str) -> bool:
    right = (97 - int(number[:9]) % 97, 97 - int("2" + number[:9]) % 97)
    return int(number[9:]) in right and int(number[2:4]) <= 12 and int(number[4:6]) <= 31


def _ch_ahv(number: str) -> bool:
    return number.startswith("756") and -weighted(number[:12], (1, 3) * 6) % 10 == int(number[12])


def _pt_nif(number: str) -> bool:
    rest = weighted(number[:8], range(9, 1, -1)) % 11
    return number[0] in "1235689" and (0 if rest < 2 else 11 - rest) == int(number[8])


def _luhn_varied(number: str) -> bool:
    return luhn(number) and len(set(number)) > 2


def _au_tfn(number: str) -> bool:
    return weighted(number, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0 and len(set(number)) > 2


def _kr_rrn(number: str) -> bool:
    check = (11 - weighted(number[:12], (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)) % 11) % 10
    born = is_day(int(number[:2]), int(number[2:4]), int(number[4:6]))
    return born and number[6] in "12345678" and check == int(number[12])


def _za_id(number: str) -> bool:
    return is_day(int(number[:2]), int(number[2:4]), int(number[4:6])) and number[10] in "01" and luhn(number)


def _tr_kimlik(number: str) -> bool:
    digits = [int(digit) for digit in number]
    tenth = (sum(digits[0:9:2]) * 7 - sum(digits[1:8:2])) % 10
    return digits[0] != 0 and tenth == digits[9] and sum(digits[:10]) % 10 == digits[10]


def _jp_my_number(number: str) -> bool:
    rest = weighted(number[:11], (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return (0 if rest <= 1 else 11 - rest) == int(number[11])


def _ro_cnp(number: str) -> bool:
    check = weighted(number[:12], (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11
    born = is_day(int(number[1:3]), int(number[3:5]), int(number[5:7]))
    return number[0] in "12345678" and born and (1 if check == 10 else check) == int(number[12])


def _cz_rodne_cislo(number: str) -> bool:
    month = int(number[2:4])
    month -= 70 if month > 70 else 50 if month > 50 else 20 if month > 20 else 0
    rest = int(number[:9]) % 11 % 10
    return is_day(int(number[:2]), month, int(number[4:6])) and rest == int(number[9])


def _ru_snils(number: str) -> bool:
    return weighted(number[:9], range(9, 0, -1)) % 101 % 100 == int(number[9:])


_CURP_ALPHABET = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ"


def _mx_curp(code: str) -> bool:
    total = sum(_CURP_ALPHABET.index(character) * (18 - index) for index, character in enumerate(code[:17]))
    born = is_day(int(code[4:6]), int(code[6:8]), int(code[8:10]))
    return born and -total % 10 == int(code[17])


def _sg_nric(code: str) -> bool:
    total = weighted(code[1:8], (2, 7, 6, 5, 4, 3, 2)) + (4 if code[0] in "TG" else 0)
    letters = "JZIHGFEDCBA" if code[0] in "ST" else "XWUTRQPNMLK"
    return code[8] == letters[total % 11]


NUMERIC = (
    Scheme(
        "us_ssn",
        _us_ssn,
        ("ssn", "social security", "seguro social", "taxpayer"),
        announced=("ddd-dd-dddd", "ddd dd dddd", "ddddddddd"),
    ),
    Scheme("uk_nhs", _uk_nhs, ("nhs",), announced=("ddd ddd dddd", "ddd-ddd-dddd", "dddddddddd")),
    Scheme(
        "de_tax_id",
        _de_tax_id,
        ("steuer", "tax id", "tax_id", "idnr", "identifikationsnummer"),
        announced=("ddddddddddd", "dd ddd ddd ddd"),
    ),
    Scheme("fr_nir", _fr_nir, (), free=("ddddddddddddddd", "d dd dd dd ddd ddd dd")),
    Scheme(
        "es_dni",
        _es_dni,
        ("dni", "d.n.i", "nif", "documento", "identidad"),
        free=("dd.ddd.ddd-L",),
        announced=("ddddddddL", "dddddddd-L", "dd.ddd.dddL", "dddddddd L"),
    ),
    Scheme("br_cpf", _br_cpf, ("cpf", "contribuinte"), free=("ddd.ddd.ddd-dd",), announced=("ddddddddddd",)),
    Scheme(
        "br_cnpj", _br_cnpj, ("cnpj", "cadastro"), free=("dd.ddd.ddd/dddd-dd",), announced=("dddddddddddddd",)
    ),
    Scheme(
        "in_aadhaar",
        _in_aadhaar,
        ("aadhaar", "aadhar", "uidai", "आधार"),
        announced=("dddd dddd dddd", "dddd-dddd-dddd", "dddddddddddd"),
    ),
    Scheme("pl_pesel", _pl_pesel, ("pesel",), announced=("ddddddddddd",)),
    Scheme(
        "nl_bsn",
        _nl_bsn,
        ("bsn", "burgerservicenummer", "sofinummer"),
        announced=("ddddddddd", "dddd.dd.ddd", "ddd.ddd.ddd", "ddd ddd ddd"),
    ),
    Scheme("cn_resident_id", _cn_resident_id, (), free=("dddddddddddddddddd", "dddddddddddddddddL")),
    Scheme(
        "se_personnummer",
        _se_personnummer,
        ("personnummer", "personnr", "person-nr", "samordningsnummer", "personal identity"),
        free=("dddddd-dddd", "dddddd+dddd", "dddddddd-dddd"),
        announced=("dddddddddd", "dddddddddddd"),
    ),
    Scheme(
        "fi_hetu",
        _fi_hetu,
        ("hetu", "henkilötunnus", "personbeteckning"),
        free=("dddddd-dddL", "dddddd+dddL"),
        announced=("dddddd-dddd", "dddddd+dddd"),
    ),
    Scheme(
        "no_fodselsnummer",
        _no_fodselsnummer,
        ("fødselsn", "fodselsn", "personnummer", "national identity"),
        free=("dddddd ddddd",),
        announced=("ddddddddddd",),
    ),
    Scheme("dk_cpr", _dk_cpr, ("cpr",), announced=("dddddd-dddd", "dddddddddd")),
    Scheme(
        "be_national_number",
        _be_national_number,
        ("rijksregister", "registre national", "insz", "niss", "national number", "nationalregister"),
        free=("dd.dd.dd-ddd.dd",),
        announced=("ddddddddddd",),
    ),
    Scheme("ch_ahv", _ch_ahv, ("ahv", "avs"), free=("ddd.dddd.dddd.dd",), announced=("ddddddddddddd",)),
    Scheme(
        "pt_nif",
        _pt_nif,
        ("nif", "contribuinte"),
        announced=("ddddddddd", "ddd ddd ddd"),
    ),
    Scheme(
        "ca_sin",
        _luhn_varied,
        ("sin", "social insurance", "assurance sociale", "nas"),
        announced=("ddd ddd ddd", "ddd-ddd-ddd", "ddddddddd"),
    ),
    Scheme("au_tfn", _au_tfn, ("tfn", "tax file"), announced=("ddd ddd ddd", "ddddddddd")),
    Scheme(
        "kr_rrn",
        _kr_rrn,
        ("주민등록", "주민번호", "rrn"),
        free=("dddddd-ddddddd",),
        announced=("ddddddddddddd",),
    ),
    Scheme(
        "za_id",
        _za_id,
        ("south african", "identity number", "rsa id", "id number"),
        announced=("ddddddddddddd",),
    ),
    Scheme("tr_kimlik", _tr_kimlik, ("kimlik", "tckn"), announced=("ddddddddddd",)),
    Scheme("il_id", _luhn_varied, ("teudat", "תעודת זהות"), announced=("ddddddddd",)),
    Scheme(
        "jp_my_number",
        _jp_my_number,
        ("マイナンバー", "個人番号", "my number"),
        announced=("dddddddddddd", "dddd dddd dddd", "dddd-dddd-dddd"),
    ),
    Scheme("ro_cnp", _ro_cnp, ("cnp", "numeric personal"), announced=("ddddddddddddd",)),
    Scheme("cz_rodne_cislo", _cz_rodne_cislo, (), free=("dddddd/dddd",)),
    Scheme("ru_snils", _ru_snils, ("снилс", "snils"), free=("ddd-ddd-ddd dd",), announced=("ddddddddddd",)),
)

LETTERED = (
    Scheme(
        "it_codice_fiscale",
        _it_codice_fiscale,
        (),
        free=("LLLLLLddLddLdddL",),
    ),
    Scheme("mx_curp", _mx_curp, (), free=("LLLLddddddLLLLLLdd", "LLLLddddddLLLLLLLd")),
    Scheme(
        "uk_nino",
        _uk_nino,
        ("national insurance", "nino"),
        free=("LL dd dd dd L",),
        announced=("LLddddddL", "LL ddddddL", "LL dddddd L"),
    ),
    Scheme(
        "es_nie",
        _es_nie,
        ("nie", "extranjero", "dni", "nif", "documento", "identidad"),
        announced=("LdddddddL", "L-ddddddd-L", "Lddddddd-L"),
    ),
    Scheme("sg_nric", _sg_nric, ("nric", "identity card"), announced=("LdddddddL",)),
)
_FIRST_LETTERS = {"es_nie": "XYZ", "sg_nric": "STFG"}


@dataclass(frozen=True)
class _Form:
    scheme: Scheme
    announcement: re.Pattern[str] | None


def _announcement(words: tuple[str, ...]) -> re.Pattern[str]:
    alternatives = "|".join(
        rf"{re.escape(word)}(?![^\W\d_])" if len(word) == 3 else re.escape(word) for word in words
    )
    return re.compile(rf"(?<![A-Za-z])(?:{alternatives})[^\n]{{0,{ANNOUNCED_WITHIN}}}$")


def _forms(schemes: tuple[Scheme, ...]) -> Mapping[str, tuple[_Form, ...]]:
    forms: defaultdict[str, list[_Form]] = defaultdict(list)
    for scheme in schemes:
        for form in scheme.free:
            forms[form].append(_Form(scheme, None))
        for form in scheme.announced:
            forms[form].append(_Form(scheme, _announcement(scheme.words)))
    return {form: tuple(found) for form, found in forms.items()}


_NUMERIC_FORMS = _forms(NUMERIC)
_LETTERED_FORMS = _forms(LETTERED)
LABELS = tuple(scheme.label for scheme in (*NUMERIC, *LETTERED))


def scheme_of(form: str, compact: str, before: str) -> str | None:
    """Label of the identifier that `compact` is, written in `form` after the text `before`; else None.

    Schemes that a word in `before` announces take precedence over those that are found anywhere.
    """
    forms = (_NUMERIC_FORMS if form[0] == "d" else _LETTERED_FORMS).get(form)
    if forms is None:
        return None
    folded = before.lower()
    anywhere = None
    for candidate in forms:
        scheme = candidate.scheme
        if compact[0] not in _FIRST_LETTERS.get(scheme.label, compact[0]):
            continue
        if candidate.announcement is None:
            if anywhere is None and scheme.valid(compact):
                anywhere = scheme.label
        elif candidate.announcement.search(folded) and scheme.valid(compact):
            return scheme.label
    return anywhere
