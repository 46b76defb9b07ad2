"""What travels in headers comes back, whatever servers and proxies do to names and spaces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.lake import Damaged, Object
from headwater.lake.lakefs.metadata import METADATA, object_headers, read_object

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
DIGEST = "0" * 64


@given(st.dictionaries(TEXT, TEXT), st.sampled_from(["x-amz-meta-", "X-Amz-Meta-", ""]))
def test_metadata_survives_headers(metadata: dict[str, str], prefix: str) -> None:
    headers = object_headers(DIGEST, metadata)
    assert all(" " <= letter <= "~" for value in headers.values() for letter in value)
    folded = {f"{prefix}{name.title()}": " ".join(value.split(" ")) for name, value in headers.items()}
    assert all("  " not in value for value in headers.values())
    item = {"path": "a", "size_bytes": 3, "checksum": "x", "metadata": folded}
    assert read_object(item) == Object("a", 3, DIGEST, metadata)


def test_metadata_that_cannot_be_read() -> None:
    headers = {**object_headers(DIGEST, {"a": "b"}), METADATA: '{"a": '}
    with pytest.raises(Damaged, match="the/path"):
        read_object({"path": "the/path", "size_bytes": 0, "metadata": headers})
