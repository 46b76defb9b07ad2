from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.curate.pii.checksums import iban_is_valid, luhn, verhoeff
from headwater.curate.pii.identifiers import LETTERED, NUMERIC

VALID = {scheme.label: scheme.valid for scheme in (*NUMERIC, *LETTERED)}
# Specimens that the issuers or the standards print.
SPECIMENS = [
    ("us_ssn", "536228726"),
    ("uk_nhs", "9434765919"),
    ("de_tax_id", "86095742719"),
    ("de_tax_id", "47036892816"),
    ("fr_nir", "255081416802538"),
    ("es_dni", "12345678Z"),
    ("es_nie", "X1234567L"),
    ("it_codice_fiscale", "RSSMRA85T10A562S"),
    ("br_cpf", "52998224725"),
    ("br_cnpj", "11222333000181"),
    ("in_aadhaar", "234123412346"),
    ("pl_pesel", "44051401359"),
    ("nl_bsn", "111222333"),
    ("cn_resident_id", "11010519491231002X"),
    ("se_personnummer", "8112289874"),
    ("fi_hetu", "131052308T"),
    ("no_fodselsnummer", "15076500565"),
    ("be_national_number", "85073003328"),
    ("ch_ahv", "7569217076985"),
    ("pt_nif", "123456789"),
    ("ca_sin", "046454286"),
    ("au_tfn", "123456782"),
    ("za_id", "8001015009087"),
    ("tr_kimlik", "10000000146"),
    ("jp_my_number", "123456789018"),
    ("ro_cnp", "1800101221144"),
    ("cz_rodne_cislo", "7103192745"),
    ("ru_snils", "11223344595"),
    ("mx_curp", "BOXW310820HNERXN09"),
    ("sg_nric", "S1234567D"),
    ("uk_nino", "AB123456C"),
]


@pytest.mark.parametrize(("label", "number"), SPECIMENS)
def test_specimens_are_valid(label: str, number: str) -> None:
    assert VALID[label](number)


@pytest.mark.parametrize(
    ("label", "number"), [pair for pair in SPECIMENS if pair[0] not in ("us_ssn", "uk_nino", "dk_cpr")]
)
def test_another_check_digit_is_not(label: str, number: str) -> None:
    position = 9 if label == "br_cpf" else len(number) - 1
    digits = number[position].isdigit() or label == "cn_resident_id"
    choices = "0123456789" if digits else "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    others = [number[:position] + other + number[position + 1 :] for other in choices]
    assert sum(VALID[label](other) for other in others if other != number) == 0


@pytest.mark.parametrize(
    ("label", "number"),
    [
        ("us_ssn", "666228726"),
        ("us_ssn", "900228726"),
        ("us_ssn", "536008726"),
        ("us_ssn", "078051120"),
        ("uk_nino", "BG123456C"),
        ("uk_nino", "AO123456C"),
        ("br_cpf", "11111111111"),
        ("in_aadhaar", "134123412346"),
        ("dk_cpr", "3113625629"),
        ("nl_bsn", "000000000"),
    ],
)
def test_numbers_that_are_never_issued_are_invalid(label: str, number: str) -> None:
    assert not VALID[label](number)


@given(st.integers(min_value=0, max_value=10**18))
def test_luhn_and_verhoeff_accept_exactly_one_check_digit(number: int) -> None:
    assert sum(luhn(f"{number}{digit}") for digit in range(10)) == 1
    assert sum(verhoeff(f"{number}{digit}") for digit in range(10)) == 1


@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=11, max_size=30))
def test_iban_accepts_exactly_the_right_check_digits(account: str) -> None:
    number = int("".join(str(int(character, 36)) for character in account + "DE00"))
    right = 98 - number % 97
    assert iban_is_valid(f"DE{right:02d}{account}")
    assert not iban_is_valid(f"DE{(right + 1) % 97:02d}{account}")
