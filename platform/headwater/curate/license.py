"""What the publisher of a document allows: its licence, and the directives for robots."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Mapping
from typing import ClassVar, Literal

import pyarrow as pa

from headwater.curate.step import StepSettings, Verdict, strings, with_columns, with_verdicts

UNKNOWN = "unknown"


class License(StepSettings):
    """Carries `license` and `robots` on as columns and refuses what must not be used.

    Both are read from the document's attributes, where readers and sources put them: `license` an SPDX
    identifier or what stands in its place, `robots` the directives of a robots meta element or header (RFC
    9309 speaks of files; pages carry their own), `ai_txt` those of an `ai.txt`.

    `allow` lists the licences that may be used, as SPDX identifiers or patterns (`CC-BY-*`), letter case
    ignored; null allows all. `deny` wins over it. `unknown` says what becomes of documents without one.
    `directives` are those that a document is refused for. Reasons: license_not_allowed, license_unknown,
    robots_disallowed.
    """

    name: ClassVar[str] = "license"
    allow: tuple[str, ...] | None = None
    deny: tuple[str, ...] = ()
    unknown: Literal["keep", "refuse"] = "keep"
    directives: tuple[str, ...] = ("noai", "noindex", "disallow")

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Adds `license`, `robots` and the verdict."""
        fields = [json.loads(attributes) for attributes in strings(batch, "attributes")]
        licenses = [str(found.get("license", "")).strip() or UNKNOWN for found in fields]
        robots = [_directives(found) for found in fields]
        verdicts = [self._verdict(*pair) for pair in zip(licenses, robots, strict=True)]
        known = with_columns(
            batch,
            license=pa.array(licenses, pa.string()),
            robots=pa.array([",".join(found) for found in robots], pa.string()),
        )
        return with_verdicts(known, verdicts)

    def _verdict(self, license: str, robots: tuple[str, ...]) -> Verdict | None:  # noqa: A002
        refused = [directive for directive in robots if directive in self.directives]
        if refused:
            return Verdict("robots_disallowed", ", ".join(refused))
        if license == UNKNOWN:
            return (
                Verdict("license_unknown", "the document states none") if self.unknown == "refuse" else None
            )
        if _matches(license, self.deny):
            return Verdict("license_not_allowed", f"{license} is denied")
        if self.allow is not None and not _matches(license, self.allow):
            return Verdict("license_not_allowed", f"{license}; allowed: {', '.join(self.allow)}")
        return None


def _matches(license: str, patterns: tuple[str, ...]) -> bool:  # noqa: A002
    return any(fnmatch.fnmatchcase(license.casefold(), pattern.casefold()) for pattern in patterns)


def _directives(attributes: Mapping[str, str]) -> tuple[str, ...]:
    written = f"{attributes.get('robots', '')},{attributes.get('ai_txt', '')}"
    return tuple(sorted({part.strip().lower() for part in written.split(",") if part.strip()}))
