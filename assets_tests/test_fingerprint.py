from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.fingerprint import code_version, digest_folder, digest_json, library_versions

SOURCE = '''"""Doc."""


def area(side):
    """Square."""
    # a comment
    return side * side
'''


@pytest.fixture
def version_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(tmp_path))

    def version(source: str) -> str:
        (tmp_path / "sample_module.py").write_text(source)
        sys.modules.pop("sample_module", None)
        code_version.cache_clear()
        return code_version("sample_module")

    return version


def test_prose_does_not_change_the_code_version(version_of) -> None:
    reworded = (
        SOURCE.replace("Square.", "The area.").replace("# a comment\n", "\n\n").replace("Doc.", "Other.")
    )
    assert version_of(SOURCE) == version_of(reworded)


def test_a_digest_that_is_kept_beside_the_bytecode_holds_for_its_source_alone(
    version_of, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    first = version_of(SOURCE)
    (kept,) = tmp_path.glob("__pycache__/sample_module.*.tree")
    stored = kept.read_text()
    assert version_of(SOURCE) == first
    assert version_of(SOURCE + "more = 1\n") != first
    assert kept.read_text() != stored
    kept.write_text("spoiled")
    assert version_of(SOURCE) == first


def test_any_other_edit_does(version_of) -> None:
    assert version_of(SOURCE) != version_of(SOURCE.replace("side * side", "side * side * 1"))


def test_a_package_includes_its_submodules_and_unknown_modules_are_named() -> None:
    assert code_version("headwater.schemas") != code_version("headwater.schemas.gold")
    with pytest.raises(ModuleNotFoundError, match="no_such_module_here"):
        code_version("no_such_module_here")


@given(
    st.lists(st.tuples(st.text(min_size=1), st.text(alphabet="0123456789abcdef"), st.integers(0)), max_size=8)
)
def test_a_folder_digest_ignores_order(entries: list[tuple[str, str, int]]) -> None:
    assert digest_folder(entries) == digest_folder(reversed(entries))


def test_json_digest_ignores_key_order_and_refuses_nan() -> None:
    assert digest_json({"a": 1, "b": [2]}) == digest_json({"b": [2], "a": 1})
    with pytest.raises(ValueError, match="JSON"):
        digest_json(float("nan"))


def test_absent_libraries_are_said_to_be_absent() -> None:
    assert library_versions("no-such-distribution-here") == {"no-such-distribution-here": "absent"}
