from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import TypeAdapter

from headwater.sources import (
    Folder,
    InstalledDistributions,
    InstalledPackage,
    ListingFailed,
    Refused,
    SourceConfig,
)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    root = tmp_path / "untouchable"
    files = (
        "data/s3/2006-03-01/m.json",
        "data/ec2/2014-01-01/m.json",
        "data/ec2/2016-11-15/m.json",
        "data/x.json",
    )
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("{}")
    (root / "__init__.py").write_text("raise AssertionError('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    return root.name


def paths(source: InstalledPackage) -> list[str]:
    return [file.path for file in source.list() if not isinstance(file, Refused)]


def test_files_of_a_package_are_found_without_importing_it(package: str) -> None:
    source = InstalledPackage(name="p", package=package, folder="data", include=("*.json",))
    assert paths(source) == [
        "ec2/2014-01-01/m.json",
        "ec2/2016-11-15/m.json",
        "s3/2006-03-01/m.json",
        "x.json",
    ]


def test_latest_keeps_the_newest_of_dated_siblings(package: str) -> None:
    source = InstalledPackage(name="p", package=package, folder="data", include=("*/*/*.json",), latest=True)
    assert paths(source) == ["ec2/2016-11-15/m.json", "s3/2006-03-01/m.json"]


def test_only_keeps_first_parts_and_refuses_those_that_do_not_exist(package: str) -> None:
    source = InstalledPackage(name="p", package=package, folder="data", only=("s3", "nope"))
    refused, file = source.list()
    assert isinstance(refused, Refused)
    assert (refused.path, refused.reason) == ("nope", "not_found")
    assert file.path == "s3/2006-03-01/m.json"


def test_a_missing_package_says_how_to_install_it() -> None:
    with pytest.raises(ListingFailed, match="pip install not-there==1"):
        list(InstalledPackage(name="p", package="not_there_at_all", requirement="not-there==1").list())
    with pytest.raises(ListingFailed, match="no folder 'absent'"):
        list(InstalledPackage(name="p", package="pytest", folder="absent").list())


def test_distributions_list_metadata_and_licences_in_order() -> None:
    found = [file.path for file in InstalledDistributions(name="d").list()]
    assert found == sorted(found, key=lambda path: path.split("/"))
    names = [path for path in found if path.startswith("pytest-")]
    assert any(path.endswith("/METADATA") for path in names)
    assert any("LICENSE" in path for path in names)
    assert not any(path.endswith(("RECORD", ".py")) for path in found)


def test_the_field_kind_chooses_the_source() -> None:
    adapter: TypeAdapter[Folder | InstalledPackage | InstalledDistributions] = TypeAdapter(SourceConfig)
    folder = adapter.validate_python(
        {"kind": "folder", "name": "notes", "path": "notes", "reader": "markdown"}
    )
    assert isinstance(folder, Folder)
    assert folder.reader.name == "markdown"
    assert isinstance(adapter.validate_python({"kind": "distributions", "name": "d"}), InstalledDistributions)
    with pytest.raises(ValueError, match=r"folder.*package.*distributions"):
        adapter.validate_python({"kind": "ftp", "name": "d"})
