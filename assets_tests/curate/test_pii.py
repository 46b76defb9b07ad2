from __future__ import annotations

import json
import time
from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.curate.pii import Redact
from headwater.curate.pii_patterns import iban_is_valid, luhn


def redacted(text: str, **settings: object) -> str:
    return Redact.model_validate(settings).redact(text, Counter())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Write to Jane.Doe+list@mail.corp-x.co.uk.", "Write to <EMAIL>."),
        ("mailto:jane@corp.io <jane@corp.io>", "mailto:<EMAIL> <<EMAIL>>"),
        ("Call +44 20 7946 0958 or (212) 736-5000, 212-736-5000.", "Call <PHONE> or <PHONE>, <PHONE>."),
        ("from 8.8.8.8:53 to 54.239.28.85.", "from <IP>:53 to <IP>."),
        ("host 54.239.28.85/32", "host <IP>/32"),
        ("via 2001:4860:4860::8888 and 2620:0:2d0:200:0:0:0:7", "via <IP> and <IP>"),
        (
            "card 4012 8888 8888 1881, 378282246310005 and 5555-5555-5555-4444",
            "card <CARD>, <CARD> and <CARD>",
        ),
        ("DE89370400440532013000 or GB82 WEST 1234 5698 7654 32", "<IBAN> or <IBAN>"),
        ("id AKIAQWERTYUIOPASDFGH", "id <SECRET>"),
        ('"SecretAccessKey": "aB3dEfGhIjKlMnOpQrStUvWxYz0123456789+/xy"', '"SecretAccessKey": "<SECRET>"'),
        ("token ghp_" + "a1B2" * 9, "token <SECRET>"),
        ("-----BEGIN PRIVATE KEY-----\nMIIabcdefghijklmnopqrst\n-----END PRIVATE KEY-----", "<SECRET>"),
    ],
)
def test_personal_data_is_replaced(text: str, expected: str) -> None:
    assert redacted(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "someone@example.com, x@mail.example.org, y@host.test",
        "git@github.com:org/repo.git, image@2x.png, @decorator",
        "127.0.0.1, 10.1.2.3, 172.16.0.9, 192.168.1.1, 0.0.0.0/0, 169.254.169.254",
        "192.0.2.7, 198.51.100.1, 203.0.113.9, 255.255.255.0, 2001:db8::1, ::1, fe80::1, fd00:1::2",
        "networks 52.94.0.0/22 and 2600:1f16:115:200::/64",
        "version 1.2.3.4, v10.20.30.40, pkg==4.3.2.1, section 3.2.1.0.5",
        "std::vector<int>, abc::def, 0a:ab:58:e0:67:e2, at 12:30:45",
        "account 123456789012, time 1405364461000, date 2018-05-10T08:05:20.000Z",
        "4012 8888 8888 1882, 1234-5678-9012-3456, order 4012888888881881.5",
        "call 212-555-0142 or +1 206 555 0100",
        "clause 252.227-7013",
        "arn:aws:iam::123456789012:user/Adele, i-1234567890abcdef0",
        "DE89370400440532013001",
        "AKIAIOSFODNN7EXAMPLE and wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    ],
)
def test_what_identifies_nobody_stays(text: str) -> None:
    assert redacted(text) == text


def test_kinds_and_allowed_domains_are_parameters() -> None:
    text = "a@corp.io b@other.io 8.8.8.8"
    assert redacted(text, kinds=["email"], allow=["corp.io"]) == "a@corp.io <EMAIL> 8.8.8.8"
    with pytest.raises(ValueError, match="kinds"):
        redacted(text, kinds=["emails"])


def test_text_title_and_attributes_are_redacted_and_counted() -> None:
    batch = pa.RecordBatch.from_pylist(
        [
            {
                "text": "a@corp.io and b@corp.io from 8.8.8.8",
                "text_digest": "",
                "title": "Of c@corp.io",
                "attributes": '{"author":"d@corp.io","n":"1"}',
            }
        ]
    )
    (row,) = Redact()(batch).to_pylist()
    assert row["text"] == "<EMAIL> and <EMAIL> from <IP>"
    assert row["title"] == "Of <EMAIL>"
    assert json.loads(row["attributes"]) == {"author": "<EMAIL>", "n": "1"}
    assert json.loads(row["redactions"]) == {"email": 4, "ip": 1}


@given(st.integers(min_value=0, max_value=10**18))
def test_luhn_accepts_exactly_one_check_digit(number: int) -> None:
    assert sum(luhn(f"{number}{digit}") for digit in range(10)) == 1


@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=11, max_size=30))
def test_iban_accepts_exactly_the_right_check_digits(account: str) -> None:
    number = int("".join(str(int(character, 36)) for character in account + "DE00"))
    right = 98 - number % 97
    assert iban_is_valid(f"DE{right:02d}{account}")
    assert not iban_is_valid(f"DE{(right + 1) % 97:02d}{account}")


@pytest.mark.parametrize(
    "text",
    [
        "a@" * 200_000,
        "1." * 200_000,
        "1:" * 200_000,
        "+1 " * 200_000,
        "4 " * 200_000,
        "a" * 500_000,
        "A1 " * 200_000,
        "a.b" * 100_000 + "@",
        "-----BEGIN PRIVATE KEY-----" * 3_000,
        "secret_key=" * 50_000,
        "eyJ" * 100_000,
    ],
)
def test_hostile_texts_take_linear_time(text: str) -> None:
    began = time.process_time()
    redacted(text)
    assert time.process_time() - began < 5
