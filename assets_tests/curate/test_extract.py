from __future__ import annotations

import codecs
import gzip
import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.curate.extract import Document, RawFile, Refuse, Rejected, named_reader, reader_for
from headwater.curate.media import media_type
from headwater.sources import Reading

LIMIT = 1 << 20


def read(
    folder: Path, name: str, data: bytes | str, reader: str | None = None, **reading: Any
) -> list[Document | Rejected]:
    """What the reader of `name`, or the named one, finds in a file with this content."""
    content = data.encode() if isinstance(data, str) else data
    location = folder / "object"
    location.write_bytes(content)
    kind = media_type(name, content[:4096])
    file = RawFile(f"src/{name}", "src", kind, location, LIMIT, Reading(**reading))
    return list((named_reader(reader) if reader else reader_for(kind))(file))


def one(folder: Path, name: str, data: bytes | str, reader: str | None = None, **reading: Any) -> Document:
    (found,) = read(folder, name, data, reader, **reading)
    assert isinstance(found, Document)
    return found


def deep(opening: str, count: int, closing: str = "") -> str:
    return opening * count + "x" + closing * count


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.txt", b"", "empty_file"),
        ("a.txt", b" \n\t\n", "no_text"),
        ("a.txt", "naïve".encode("latin-1"), "not_utf8"),
        ("a.txt", b"\x7fELF\x02\x01\x01\x00\x00", "binary"),
        ("a.txt", b"text\x00with zero", "binary"),
        ("a.txt", b"%PDF-1.7 text only", "binary"),
        ("a.txt", "wide".encode("utf-16-le"), "binary"),
        ("a.txt", codecs.BOM_UTF16_LE + b"\x00\xd8", "not_utf8"),
        ("a.txt", b"x" * (LIMIT + 1), "too_large"),
        ("a.pdf", b"%PDF-1.7", "unknown_media_type"),
        ("a.bin", b"\x00\x01\x02", "unknown_media_type"),
        ("a.json", '{"text": "cut of', "invalid_json"),
        ("a.json", '{"text": NaN}', "invalid_json"),
        ("a.json", '{"text": ' + "9" * 5000 + "}", "invalid_json"),
        ("a.json", "[" * 200_000, "too_deep"),
        ("a.json.gz", gzip.compress(b'{"text": "hello"}', mtime=0)[:-9], "truncated"),
        ("a.json.gz", gzip.compress(b'{"text": "hello"}', mtime=0)[:-8] + b"\x00" * 8, "corrupt_gzip"),
        ("a.json.gz", gzip.compress(b" " * (LIMIT * 50), mtime=0), "too_large"),
        ("a.html", "<script>only()</script>", "no_text"),
        ("a.html", deep("<div>", 200_000), "too_deep"),
        ("a.html", deep("<ul><li>", 50_000), "too_deep"),
        ("a.html", "<p " + " ".join(f"a{i}=1" for i in range(50_000)) + ">x", "too_complex"),
        ("a.rst", "\n".join("  " * i + "- a\n" for i in range(300)), "too_deep"),
        ("service-2.json", '{"operations": []}', "no_operations"),
        ("ec2/x.rst", "The following command does it::\n\n    aws ec2 x\n", "no_title"),
    ],
)
def test_what_cannot_be_read_is_refused_in_bounded_time(
    tmp_path: Path, name: str, data: bytes | str, reason: str
) -> None:
    reader = {"service-2.json": "botocore_operations", "ec2/x.rst": "awscli_examples"}.get(name)
    began = time.process_time()
    with pytest.raises(Refuse) as refused:
        read(tmp_path, name, data, reader)
    assert refused.value.reason == reason
    assert refused.value.detail
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    "data",
    [
        "héllo\r\nwörld\r".encode(),
        codecs.BOM_UTF8 + "héllo\nwörld\n".encode(),
        "héllo\nwörld\n".encode("utf-16"),
        codecs.BOM_UTF16_BE + "héllo\nwörld\n".encode("utf-16-be"),
    ],
)
def test_text_is_decoded_by_its_mark(tmp_path: Path, data: bytes) -> None:
    found = one(tmp_path, "guides/admin/a.txt", data)
    assert found.text == "héllo\nwörld\n"
    assert (found.start, found.end, found.title, found.section) == (0, 12, "", "guides > admin")


def test_a_file_without_extension_is_text_when_it_looks_so(tmp_path: Path) -> None:
    assert one(tmp_path, "LICENSE", "Permission is hereby granted").text == "Permission is hereby granted"


def test_markdown(tmp_path: Path) -> None:
    source = """---
title: "From the front"
---
# Start *here*

Some `code`, a [link](http://x.org) and ![a picture](x.png).
Same paragraph.

Steps:

- one
- two
  1. deeper

| a | b |
|---|---|
| 1 | 2 |

```python
# no heading
x = 1
```

<p>Raw <b>HTML</b></p>
"""
    found = one(tmp_path, "a.md", source)
    assert found.title == "From the front"
    assert found.text == (
        "# Start here\n\nSome code, a link and a picture. Same paragraph.\n\nSteps:\n- one\n- two\n"
        "  1. deeper\n\n"
        "a | b\n1 | 2\n\n    # no heading\n    x = 1\n\nRaw HTML"
    )
    assert one(tmp_path, "b.md", "# Only heading\n\ntext").title == "Only heading"


def test_html(tmp_path: Path) -> None:
    source = """<html><head><title> The  page </title><style>p {}</style></head><body>
<nav>Home | About</nav>
<main><h1>The page</h1><p>First &amp; <b>bold</b><br>line.</p>
<h2>List</h2><ul><li>one</li><li>two<ul><li>inner</li></ul></li></ul>
<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>
<pre>x = 1
  y</pre><script>evil()</script><div hidden>secret</div></main>
<footer>Copyright</footer></body></html>"""
    found = one(tmp_path, "a.html", source)
    assert found.title == "The page"
    assert found.text == (
        "# The page\n\nFirst & bold line.\n\n## List\n\n- one\n- two\n  - inner\n\n"
        "a | b\n\n1 | 2\n\n    x = 1\n      y"
    )


def test_rst(tmp_path: Path) -> None:
    source = """
Title
=====

A paragraph with :class:`~pkg.Thing`, :ref:`this <there>` and ``code``.

Section
-------

* one
* two

::

    literal

.. unknown-directive:: x

.. note:: Mind this.

.. include:: /etc/passwd
"""
    found = one(tmp_path, "a.rst", source)
    assert found.title == "Title"
    assert found.text == (
        "# Title\n\nA paragraph with pkg.Thing, this and code.\n\n"
        "## Section\n\n- one\n- two\n\n    literal\n\nMind this."
    )


def test_json_and_json_lines(tmp_path: Path) -> None:
    record = {"body": {"content": "Hello"}, "headline": "T", "key": "k 1", "tag": "x", "n": 2, "list": [1]}
    reading = {"text": "body.content", "title": "headline", "id": "key"}
    found = one(tmp_path, "a.json", json.dumps(record), **reading)
    assert (found.text, found.title, found.fragment) == ("Hello", "T", "")
    assert found.attributes == {"key": "k 1", "tag": "x", "n": "2"}
    lines = [
        json.dumps(record),
        "",
        "{bad",
        "[1]",
        '{"other": 1}',
        '{"body": {"content": " "}}',
        '{"bo',
        "\xff",
    ]
    first, *others = read(tmp_path, "a.jsonl", "\n".join(lines).encode("latin-1"), **reading)
    assert isinstance(first, Document)
    assert first.fragment == "k%201"
    assert [(one.fragment, one.reason) for one in others if isinstance(one, Rejected)] == [
        ("L3", "invalid_json"),
        ("L4", "not_an_object"),
        ("L5", "no_text_field"),
        ("L6", "no_text"),
        ("L7", "invalid_json"),
        ("L8", "not_utf8"),
    ]


def test_a_giant_line_is_refused_and_the_next_ones_are_read(tmp_path: Path) -> None:
    found = read(tmp_path, "a.jsonl", b'{"text": "' + b"x" * (3 * LIMIT) + b'"}\n{"text": "after"}\n')
    assert isinstance(found[0], Rejected)
    assert (found[0].fragment, found[0].reason) == ("L1", "too_large")
    assert isinstance(found[1], Document)
    assert found[1].text == "after"


def test_lone_surrogates_become_replacement_characters(tmp_path: Path) -> None:
    found = one(tmp_path, "a.json", '{"text": "bad \\ud800 end", "\\udc00": "\\ud800"}')
    assert found.text == "bad � end"
    assert found.attributes == {"�": "�"}


def test_metadata(tmp_path: Path) -> None:
    head = "Metadata-Version: 2.1\nName: tool\nVersion: 1.0\nSummary: A tool\nLicense-Expression: MIT\n"
    found = one(
        tmp_path,
        "tool-1.0.dist-info/METADATA",
        head + "Description-Content-Type: text/markdown\n\n# Tool\n\nIt *works*.",
    )
    assert (found.title, found.text, found.section) == ("tool", "# Tool\n\nIt works.", "")
    assert found.attributes == {"name": "tool", "version": "1.0", "licence": "MIT", "summary": "A tool"}
    assert one(tmp_path, "METADATA", head + "Description: Old\n        *style*\n").text == "Old style"
    assert one(tmp_path, "METADATA", head).text == "A tool"


def test_botocore_operations(tmp_path: Path) -> None:
    model = {
        "operations": {
            "RunInstances": {"documentation": "<p>Launches <code>instances</code>.</p><p>Second.</p>"},
            "Empty": {"documentation": "<p/>"},
            "None": {},
            "GetIPv6Addresses": {"documentation": "Plain."},
        }
    }
    data = gzip.compress(json.dumps(model).encode())
    found = {
        item.fragment: item
        for item in read(tmp_path, "ec2/2016-11-15/service-2.json.gz", data, "botocore_operations")
    }
    run = found["run-instances"]
    assert isinstance(run, Document)
    assert run.title == "ec2 run-instances"
    assert run.text == "ec2 run-instances\n\nLaunches instances.\n\nSecond."
    assert run.attributes == {"service": "ec2", "operation": "run-instances", "name": "RunInstances"}
    assert {
        name
        for name, item in found.items()
        if isinstance(item, Rejected) and item.reason == "no_documentation"
    } == {
        "empty",
        "none",
    }


EXAMPLES = r"""**Example 1: To launch an instance**

The following ``run-instances`` example launches one. ::

    aws ec2 run-instances \
        --image-id ami-1 \
        --tags '[
            {"Key": "a"}
        ]'

Output::

    {"aws": "ec2"}

**Note:** Read this. ::

**Example 2:** To use ``two`` steps

Command::

  $ aws iam create-role --role-name r

Then::

  aws ec2 run-instances --count 2

**Example 3: To do nothing**

Nothing here.

**Example 1: To launch an instance**

Again::

    aws ec2 run-instances

Describe It All
---------------

Older::

   aws ec2 describe
"""


def test_awscli_examples(tmp_path: Path) -> None:
    found = read(tmp_path, "ec2/run-instances.rst", EXAMPLES, "awscli_examples")
    documents = [item for item in found if isinstance(item, Document)]
    assert [(item.fragment, item.attributes["command"]) for item in documents] == [
        ("to-launch-an-instance", 'aws ec2 run-instances --image-id ami-1 --tags \'[ {"Key": "a"} ]\''),
        ("to-use-two-steps", "aws ec2 run-instances --count 2"),
        ("to-launch-an-instance-2", "aws ec2 run-instances"),
        ("describe-it-all", "aws ec2 describe"),
    ]
    first = documents[0]
    assert first.attributes["question"] == first.title == "To launch an instance"
    assert (first.attributes["service"], first.attributes["operation"]) == ("ec2", "run-instances")
    assert first.text == f"{first.title}\n\n{first.attributes['command']}"
    assert [(item.fragment, item.reason) for item in found if isinstance(item, Rejected)] == [
        ("to-do-nothing", "no_command")
    ]


def test_an_example_below_a_group_of_commands_names_the_group(tmp_path: Path) -> None:
    found = one(
        tmp_path, "ec2/wait/running.rst", "**To wait**\n\n    aws ec2 wait running\n", "awscli_examples"
    )
    assert found.attributes["operation"] == "wait running"


def test_unknown_readers_are_configuration_errors() -> None:
    with pytest.raises(ValueError, match="expected one of text, markdown"):
        named_reader("mardown")
    with pytest.raises(ValueError, match="has no function 'nope'"):
        named_reader("json:nope")
    with pytest.raises(ValueError, match="no_such_module"):
        named_reader("no_such_module:read")


NAMES = ("a.txt", "a.md", "a.html", "a.json", "a.jsonl", "METADATA", "a.json.gz")


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(name=st.sampled_from(NAMES), data=st.binary(max_size=300))
def test_any_bytes_give_documents_or_refusals(tmp_path: Path, name: str, data: bytes) -> None:
    try:
        found = read(tmp_path, name, data)
    except Refuse:
        return
    assert all(isinstance(item, Rejected) or item.text.strip() for item in found)


MARKUP = st.lists(
    st.sampled_from(
        [
            "# ",
            "a ",
            "*",
            "`",
            "\n",
            "\n\n",
            "- ",
            "<b>",
            "</div>",
            "<li>",
            "::\n\n  ",
            "[x](",
            "|",
            "==\n",
            ".. x::",
            "&lt;",
        ]
    ),
    max_size=60,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(name=st.sampled_from(["a.md", "a.html", "a.rst"]), pieces=MARKUP)
def test_any_markup_gives_text_or_a_refusal(tmp_path: Path, name: str, pieces: list[str]) -> None:
    try:
        found = read(tmp_path, name, "".join(pieces))
    except Refuse:
        return
    assert len(found) == 1


@pytest.mark.parametrize(
    ("name", "piece"),
    [
        ("s3/a.rst", '**To x**\n\n    aws s3 "\n'),
        ("s3/a.rst", "    aws s3 a\n"),
        ("s3/a.rst", "**a*a"),
        ("a.rst", ":a:a"),
        ("a.md", "["),
        ("a.html", "<a b='"),
        ("METADATA", "Name: x\n"),
    ],
)
def test_hostile_texts_take_bounded_time(tmp_path: Path, name: str, piece: str) -> None:
    data = "**To y**\n\n    aws s3 '\n" + piece * (100_000 // len(piece))
    began = time.process_time()
    try:
        read(tmp_path, name, data, "awscli_examples" if name.startswith("s3/") else None)
    except Refuse as refusal:
        assert refusal.detail  # noqa: PT017
    assert time.process_time() - began < 20
