from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pii_samples import samples

from headwater.curate.pii import Kind, Redact
from headwater.curate.step import DETAIL, REASON
from headwater.fingerprint import digest_text

PRECISION, RECALL = 0.995, 0.995
KIND_FLOOR = 0.98


def redacted(text: str, **parameters: object) -> str:
    return Redact.model_validate(parameters).redact(text)


def batch_of(*texts: str) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(
        {
            "text": list(texts),
            "text_digest": [digest_text(text) for text in texts],
            "title": [""] * len(texts),
            "attributes": ["{}"] * len(texts),
        }
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Write to Jane.Doe+list@mail.corp-x.co.uk.", "Write to <EMAIL>."),
        ("mailto:jane@corp.io <jane@corp.io>", "mailto:<EMAIL> <<EMAIL>>"),
        ("Call +44 20 7946 0958 or (212) 736-5000, 212-736-5000.", "Call <PHONE> or <PHONE>, <PHONE>."),
        ("from 8.8.8.8:53 to 54.239.28.85.", "from <IP>:53 to <IP>."),
        ("host 54.239.28.85/32", "host <IP>/32"),
        ("DNS server 9.9.9.9, ping 1.0.0.1", "DNS server <IP>, ping <IP>"),
        ("via 2001:4860:4860::8888 and 2620:0:2d0:200:0:0:0:7", "via <IP> and <IP>"),
        (
            "card 4012 8888 8888 1881, 378282246310005 and 5555-5555-5555-4444",
            "card <CARD>, <CARD> and <CARD>",
        ),
        ("DE89370400440532013000 or GB82 WEST 1234 5698 7654 32", "<IBAN> or <IBAN>"),
        ("id AKIAQWERTYUIOPASDFGH", "id <SECRET>"),
        ('"SecretAccessKey": "aB3dEfGhIjKlMnOpQrStUvWxYz0123456789+/xy"', '"SecretAccessKey": "<SECRET>"'),
        ("token ghp_" + "a1B2" * 9, "token <SECRET>"),
        ("邮箱jane@corp.io，电话：13812345678。", "邮箱<EMAIL>，电话：<PHONE>。"),
        ("müller@büro-corp.de", "<EMAIL>"),
        ("Tel. (030) 234 56 78, Fax 030/2345679", "Tel. <PHONE>, Fax <PHONE>"),
        ("postgres://app:s3cr3tVal@db.corp.io/x", "postgres://app:<SECRET>@db.corp.io/x"),
        ("SSN: 536-22-8726, CPF 529.982.247-25", "SSN: <NATIONAL_ID>, CPF <NATIONAL_ID>"),
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
        "12.4.2.2. Configuring, Inets 6.5.2.3, see 3.2.1.1",
        "http://[dead:beef:cafe:5417:affe:8FA3:deaf:feed]/, id f9:2a:c2:77:29:f9:5c:00",
        "postgresql://scott:tiger@localhost/test",
        "version 1.2.3.4, v10.20.30.40, pkg==4.3.2.1, section 3.2.1.0.5",
        "std::vector<int>, abc::def, 0a:ab:58:e0:67:e2, at 12:30:45",
        "account 123456789012, time 1405364461000, date 2018-05-10T08:05:20.000Z",
        "4012 8888 8888 1882, 1234-5678-9012-3456, order 4012888888881881.5",
        "call 212-555-0142 or +1 206 555 0100",
        "clause 252.227-7013",
        "arn:aws:iam::123456789012:user/Adele, i-1234567890abcdef0",
        "DE89370400440532013001",
        "536-22-8726 and 943 476 5919 are numbers of anything",
        "SSN: 666-22-8726, NHS 943 476 5918, CPF 529.982.247-26",
        "ssh jane@build.corp.io and scp x jane@web.corp.io:/srv, lodash@4.17.21",
        'password = "your-password", token: ${TOKEN}, api_key = get_key(user)',
        "NextToken: AAAAAbbbbb1111122222CCCCC",
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
    with pytest.raises(ValueError, match="modes names phone, which kinds does not list"):
        Redact(kinds=("email",), modes={"phone": "keep"})
    with pytest.raises(ValueError, match="key_variable must name"):
        Redact(modes={"email": "hash"})


def test_text_title_and_attributes_are_redacted_and_counted() -> None:
    rows = [
        {
            "text": "a@corp.io and b@corp.io from 8.8.8.8",
            "text_digest": "of the text before",
            "title": "Of c@corp.io",
            "attributes": '{"author":"d@corp.io","n":"1"}',
        },
        {
            "text": "nothing",
            "text_digest": "kept",
            "title": "",
            "attributes": json.dumps({"note": "line\n+49 30 23456789"}),
        },
        {"text": "", "text_digest": "kept", "title": "", "attributes": "{}"},
    ]
    first, second, third = Redact()(pa.RecordBatch.from_pylist(rows)).to_pylist()
    assert first["text"] == "<EMAIL> and <EMAIL> from <IP>"
    assert first["text_digest"] == digest_text(first["text"])
    assert first["title"] == "Of <EMAIL>"
    assert json.loads(first["attributes"]) == {"author": "<EMAIL>", "n": "1"}
    assert json.loads(first["redactions"]) == {"email": 4, "ip": 1}
    assert second["text_digest"] == "kept"
    assert json.loads(second["attributes"]) == {"note": "line\n<PHONE>"}
    assert third == {**rows[2], "redactions": "{}"}


def test_a_hash_is_stable_under_its_key_and_never_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    step = Redact(modes={"email": "hash", "phone": "hash"}, key_variable="PII_TEST_KEY")
    monkeypatch.delenv("PII_TEST_KEY", raising=False)
    with pytest.raises(ValueError, match="PII_TEST_KEY, which is not set"):
        step(batch_of("nothing"))
    monkeypatch.setenv("PII_TEST_KEY", "too short")
    with pytest.raises(ValueError, match="at least 16 bytes") as caught:
        step.redact("nothing")
    assert "too short" not in str(caught.value)
    monkeypatch.setenv("PII_TEST_KEY", "first key of sixteen bytes")
    fingerprint = step.fingerprint
    first = step.redact("Jane@corp.io, jane@CORP.io, joe@corp.io, +1 206 736 5000, +1-206-736-5000")
    jane, same, joe, phone, also = first.split(", ")
    assert jane == same != joe
    assert phone == also
    assert jane.startswith("<EMAIL:")
    assert len(jane) == len("<EMAIL:>") + 16
    assert step(batch_of(first)).column("text").to_pylist() == [first]
    monkeypatch.setenv("PII_TEST_KEY", "second key of sixteen bytes")
    assert step.redact("jane@corp.io") != jane
    assert step.fingerprint != fingerprint


def test_drop_refuses_the_document_and_shows_nothing_of_it() -> None:
    step = Redact(modes={"card": "drop", "phone": "keep"})
    held, free = step(batch_of("card 4012888888881881, a@corp.io", "call +44 20 7946 0958")).to_pylist()
    assert (held[REASON], held["text"]) == ("pii_card", "card <CARD>, <EMAIL>")
    assert held[DETAIL] == "card found 1 times; none may be there"
    assert (free[REASON], free["text"], free["redactions"]) == (None, "call +44 20 7946 0958", "{}")
    assert REASON not in Redact()(batch_of("x")).schema.names


def test_names_need_an_installed_pipeline() -> None:
    step = Redact(kinds=("name",), ner_pipeline="no_such_pipeline")
    with pytest.raises(ValueError, match="spaCy"):
        step.redact("Ada Lovelace wrote it.")


def test_names_are_found_by_the_pipeline(tmp_path: Path) -> None:
    spacy = pytest.importorskip("spacy")
    pipeline = spacy.blank("en")
    ruler = pipeline.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "PERSON", "pattern": "Ada Lovelace"}, {"label": "ORG", "pattern": "Acme"}])
    pipeline.to_disk(tmp_path / "pipeline")
    step = Redact(kinds=("name", "email"), ner_pipeline=str(tmp_path / "pipeline"))
    text = "Ada Lovelace of Acme, ada@corp.io. " + "word " * 20_000 + "Ada Lovelace"
    assert step.redact(text).startswith("<NAME> of Acme, <EMAIL>.")
    assert step.redact(text).endswith("<NAME>")
    assert step(batch_of(text)).column("text").to_pylist() == [step.redact(text)]


def test_precision_and_recall_on_texts_not_seen_when_the_rules_were_made() -> None:
    step = Redact()
    drawn = list(samples(seed=20_261_122, count=2_400))
    right: Counter[str] = Counter()
    wanted: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for sample in drawn:
        findings = [
            (finding.kind, sample.text[finding.start : finding.end]) for finding in step.find(sample.text)
        ]
        found.update(kind for kind, _ in findings)
        wanted.update([sample.kind] if sample.kind else [])
        right.update(kind for kind, value in findings if (kind, value) == (sample.kind, sample.value))
    assert right.total() / found.total() >= PRECISION
    assert right.total() / wanted.total() >= RECALL
    assert all(right[kind] >= KIND_FLOOR * max(wanted[kind], found[kind]) for kind in wanted)


PIECES = st.sampled_from([sample.value for sample in samples(5, 900) if sample.value])
JOINTS = st.text(
    alphabet=" \n\t:=.-/()+@#\"'_,;0123456789abcdefXYZ\u00a0\u202f電é", max_size=6
) | st.sampled_from(
    [
        "tel ",
        "Phone: ",
        "SSN ",
        "password=",
        "token: ",
        "https://a:",
        "Тел. ",
        "電話",
        "::",
        "AKIA",
        "DNI ",
        "-----BEGIN ",
    ]
)
TEXTS = st.lists(
    st.tuples(JOINTS, PIECES, st.integers(0, 40), st.integers(0, 3)).map(
        lambda drawn: drawn[0] + (drawn[1] if drawn[3] else drawn[1][drawn[2] :])
    ),
    max_size=5,
).map("".join)


@settings(deadline=None, max_examples=150)
@given(st.lists(TEXTS | st.text(max_size=60), min_size=1, max_size=8))
def test_a_batch_is_decided_as_its_texts_one_by_one(texts: list[str]) -> None:
    step = Redact()
    clean = [text.encode(errors="replace").decode() for text in texts]
    rows = step(batch_of(*clean)).to_pylist()
    for text, row in zip(clean, rows, strict=True):
        counts: Counter[str] = Counter()
        assert row["text"] == step.redact(text, counts)
        assert json.loads(row["redactions"]) == dict(counts)


def test_a_slice_of_a_batch_is_decided_as_the_whole() -> None:
    batch = batch_of(*(sample.text for sample in samples(7, 300)))
    step = Redact()
    whole = step(batch)
    assert step(batch.slice(100, 50)).equals(whole.slice(100, 50))
    assert step(batch.slice(0, 0)).num_rows == 0


def test_more_places_than_one_call_of_the_kernel_returns() -> None:
    from headwater.curate.kernels.pii import ROOM

    text = "at a@corp.io é " * (ROOM + 100)
    (row,) = Redact()(batch_of(text)).to_pylist()
    assert json.loads(row["redactions"]) == {"email": ROOM + 100}
    assert row["text"] == text.replace("a@corp.io", "<EMAIL>")


HOSTILE = [
    "@",
    "7",
    ".",
    "a@",
    "a@b.c",
    "1.",
    "1:",
    "+1 ",
    "4 ",
    "12 ",
    "a",
    "A1 ",
    "tel 12345678 ",
    "eyJ",
    "secret_key=",
    "password: x1",
    "-----BEGIN PRIVATE KEY-----",
    "://a:b@",
    "AKIA",
    "::",
    "9" * 15 + " ",
    "\x00",
    "é",
]


@pytest.mark.parametrize("unit", HOSTILE)
@pytest.mark.parametrize("door", ["batch", "text"])
def test_hostile_texts_take_linear_time(unit: str, door: str) -> None:
    step = Redact()

    def seconds(size: int) -> float:
        text = unit * (size // len(unit))
        batch = batch_of(text)
        taken: list[float] = []
        for _ in range(2):
            began = time.process_time()
            step(batch) if door == "batch" else step.redact(text)
            taken.append(time.process_time() - began)
        return min(taken)

    assert seconds(12_000) < 6 * 4 * max(seconds(2_000), 0.002)


def test_the_kernel_and_the_patterns_name_families_alike() -> None:
    from headwater.curate.kernels import pii as kernel
    from headwater.curate.pii import hints
    from headwater.curate.pii.search import Family

    assert [family.name for family in Family if family < kernel.FAMILIES] == [
        name
        for name in ("AT", "IPV4", "IPV6", "NUMBER", "LETTERED", "TOKEN", "NAMED")
        if getattr(kernel, name) == Family[name]
    ]
    kinds: frozenset[Kind] = frozenset({"phone", "card", "national_id"})
    tables = (hints.prefix_table(), hints.word_table(kinds), hints.group_table(kinds))
    assert all(0 < np.count_nonzero(table) < len(table) // 50 for table in tables)
