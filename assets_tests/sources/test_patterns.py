from __future__ import annotations

import pytest

from headwater.sources.patterns import Patterns


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("*.md", "a.md", True),
        ("*.md", "deep/er/a.md", True),
        ("*.md", "a.mdx", False),
        ("docs/*.md", "docs/a.md", True),
        ("docs/*.md", "docs/deep/a.md", False),
        ("docs/**/*.md", "docs/a.md", True),
        ("docs/**/*.md", "docs/deep/er/a.md", True),
        ("/a.md", "a.md", True),
        ("/a.md", "x/a.md", False),
        ("*/*/service-2.json.gz", "ec2/2016-11-15/service-2.json.gz", True),
        ("licen[cs]e*", "LICENSE", False),
        ("[!a]b", "cb", True),
        ("[!a]b", "ab", False),
        ("a?c", "a/c", False),
        ("a.c", "abc", False),
        ("a+(b)", "a+(b)", True),
        ("line\nbreak", "line\nbreak", True),
    ],
)
def test_a_pattern_reads_as_in_gitignore(pattern: str, path: str, matches: bool) -> None:
    assert Patterns([pattern]).match(path) is matches


def test_letter_case_can_be_ignored() -> None:
    assert Patterns(["licen[cs]e*"], ignore_case=True).match("LICENSE.txt")


def test_a_pattern_that_means_a_folder_means_what_is_below_it() -> None:
    assert Patterns(["docs"]).match_any_parent("docs/deep/a.md")
    assert not Patterns(["docs"]).match_any_parent("src/a.md")
