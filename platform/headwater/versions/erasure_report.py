"""The report of an erasure, as JSON and as Markdown, with a digest over its content to sign."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from headwater import __version__
from headwater.fingerprint import digest_json
from headwater.settings import PRODUCTION
from headwater.tables import write_json
from headwater.versions.forgetting import Forgotten
from headwater.versions.summary import markdown_table

MAX_LISTED = 50
SEARCHED = (
    "Every row of every table, every passage of the index, every report and record, and every original file "
    "of the branch was searched. Vectors and weights were made again from inputs without it."
)


def as_json(done: Forgotten) -> dict[str, Any]:
    """Everything that was found, done and left. Holds ids, uris and digests, and no text."""
    content: dict[str, Any] = {
        "product": done.product,
        "branch": done.branch,
        "reason": done.reason,
        "complete": done.complete,
        "failure": done.failure,
        "commit_before": done.commit_before,
        "commit_after": done.commit_after,
        "documents": [asdict(document) for document in done.selection.documents],
        "files": [{"uri": uri, "digest": digest} for uri, digest in done.selection.files.items()],
        "people": list(done.people),
        "labels": done.labels,
        "also_lost": done.selection.also_lost,
        "stays_in_original_files": dict(done.selection.partial),
        "similar_documents": list(done.selection.similar),
        "log_rows": done.log_rows,
        "log_lines": done.log_lines,
        "was_in": done.before,
        "remains_in": done.remaining,
        "production_holds_it": done.in_production,
        "branches_that_hold_it": [
            name for name in done.past.branches if name not in (done.branch, PRODUCTION)
        ],
        "past": [asdict(holder) for holder in done.past.holders],
        "releases": done.releases,
        "runs": sorted({holder.run_id for holder in done.past.holders if holder.run_id}),
        "swept": asdict(done.swept) if done.swept else None,
        "unlinked": asdict(done.unlinked) if done.unlinked else None,
        "headwater": __version__,
        "signed_by": getpass.getuser(),
        "signed_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return {**content, "digest": digest_json(content)}


def write(done: Forgotten, folder: Path) -> tuple[Path, Path]:
    """Write both forms below `folder`; returns their paths."""
    report = as_json(done)
    stem = f"{done.product}-{done.commit_after[:12]}"
    paths = folder / f"{stem}.json", folder / f"{stem}.md"
    write_json(paths[0], report)
    paths[1].write_text(markdown(report), encoding="utf-8")
    return paths


def markdown(report: dict[str, Any]) -> str:
    """The report for people."""
    state = "complete" if report["complete"] else "NOT complete"
    lines = [
        f"# Erasure from {report['product']}: {state}",
        "",
        _what(report),
        "",
        *_left(report),
        *(_person(report) if report["people"] else _documents(report)),
        "",
        "## Where it was, and that it is gone",
        "",
        *markdown_table(
            ("asset", "objects that held it", "matches", "left"),
            [
                (asset, len(paths), sum(paths.values()), sum(report["remains_in"].get(asset, {}).values()))
                for asset, paths in report["was_in"].items()
            ],
        ),
        "",
        SEARCHED,
        "",
        *_past(report),
        _signature(report),
    ]
    return "\n".join(lines) + "\n"


def _documents(report: dict[str, Any]) -> list[str]:
    return [
        f"## Erased: {len(report['documents']):,} documents, {len(report['files']):,} whole files",
        "",
        *markdown_table(
            ("document", "uri"),
            [(item["document_id"], item["uri"]) for item in report["documents"][:MAX_LISTED]],
        ),
        *_more(len(report["documents"])),
        "",
        (
            f"Inference log: {report['log_rows']:,} requests and judgements used or held it and were erased; "
            f"{report['log_lines']:,} lines that waited to become windows were overwritten on this machine."
        ),
    ]


def _person(report: dict[str, Any]) -> list[str]:
    return [
        f"## Erased: the person with the pseudonym {' or '.join(report['people'])}",
        "",
        (
            f"Inference log: {report['log_rows']:,} requests and judgements by them, or of what they asked, "
            f"were erased; {report['log_lines']:,} lines of segments were overwritten on this machine. What "
            "a service on another machine logged of them does not become part of a window; run the same "
            f"command there to overwrite it. {report['labels']:,} labels were made from it in any version; "
            "those that others agree on without it stay."
        ),
    ]


def _what(report: dict[str, Any]) -> str:
    span = f"from commit `{report['commit_before'][:12]}` to `{report['commit_after'][:12]}`"
    return f"Reason: {report['reason'] or 'none given'}. Branch `{report['branch']}`, {span}."


def _signature(report: dict[str, Any]) -> str:
    return (
        f"Signed by {report['signed_by']} at {report['signed_at']} with headwater {report['headwater']}; "
        f"sha256 of the content `{report['digest']}`."
    )


def _left(report: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    if report["failure"]:
        lines += [f"**The rebuild failed**: {report['failure']}", ""]
    for uri, others in report["stays_in_original_files"].items():
        lines.append(
            f"- **raw keeps `{uri}`**, which holds {others:,} other documents: remove it at the source and "
            "build, or erase whole files (`--whole-files`)."
        )
    if report["production_holds_it"]:
        lines.append(
            "- **production holds it** until a version without it is released: "
            f"`headwater build {report['product']}`, and see `headwater releases` for the gate's verdict."
        )
    lines += [
        _on_branch(branch, deleted=bool(report["swept"] or report["unlinked"]))
        for branch in report["branches_that_hold_it"]
    ]
    if report["also_lost"]:
        lines.append(f"- {report['also_lost']:,} other documents went with their files.")
    if report["similar_documents"]:
        lines.append(f"- Near-duplicates that stay: {', '.join(report['similar_documents'][:MAX_LISTED])}.")
    return [*lines, ""] if lines else []


def _on_branch(branch: str, *, deleted: bool) -> str:
    delete = f"`headwater branch delete {branch}`"
    if deleted:
        return f"- the branch `{branch}` held it at its head and lacks what was deleted: {delete}."
    return (
        f"- **the branch `{branch}` holds it**: {delete}, or the same command with "
        f"`HEADWATER_BRANCH={branch}`, which builds there without it."
    )


def _past(report: dict[str, Any]) -> list[str]:
    swept = report["swept"]
    title = "Past versions that held it, swept now" if swept else "Past versions that still hold it"
    rows = [
        (item["commit"][:12], item["time"], ", ".join(item["refs"]), ", ".join(item["assets"]))
        for item in report["past"]
    ]
    lines = [f"## {title}: {len(rows):,} commits", ""]
    lines += [*markdown_table(("commit", "time", "branches, releases", "assets"), rows[:MAX_LISTED])]
    lines += [*_more(len(rows)), ""]
    lines += _swept(report)
    touched = [f"`{name}` ({', '.join(assets)})" for name, assets in report["releases"].items() if assets]
    lines += [
        "",
        (
            f"Of {len(report['releases']):,} releases, production must not go back to those that held it in "
            f"more than the inference log: {', '.join(touched) or 'none did'}."
        ),
        "",
        f"Dagster's log of {len(report['runs']):,} runs may show samples of refused rows and labels; delete "
        "them there (`dagster run delete ID`): " + (", ".join(report["runs"][:MAX_LISTED]) or "none") + ".",
        "",
    ]
    return lines


def _swept(report: dict[str, Any]) -> list[str]:
    swept, unlinked = report["swept"], report["unlinked"]
    if swept:
        return [
            (
                f"{swept['payloads']:,} payloads with {swept['bytes']:,} bytes were deleted, and caches and "
                f"unfinished work cleared; {len(swept['kept']):,} that current data shares were kept."
            )
        ]
    if not unlinked:
        return ["Run the same command with `--sweep` to make these unreadable."]
    cleaned = [f"{count:,} objects on `{branch}`" for branch, count in unlinked["cleaned"].items()]
    removed = [f"the branch `{branch}`" for branch in unlinked["branches"]]
    lines = [
        (
            f"Deleted: {', '.join([*cleaned, *removed]) or 'nothing, for no branch holds it'}; "
            f"{unlinked['downloads']:,} downloads, other caches and unfinished work on this machine."
        ),
        "",
    ]
    if not unlinked["payloads"]:
        return [*lines, "The lake serves none of it any more: its garbage collection has deleted the bytes."]
    left = f"{unlinked['payloads']:,} payloads with {unlinked['bytes']:,} bytes can still be read"
    return [
        *lines,
        (
            f"**{left}** by whoever has a key and knows a commit or release above. Only the server's garbage "
            "collection deletes them:"
        ),
        "",
        *(f"{number}. {step}" for number, step in enumerate(unlinked["steps"], 1)),
    ]


def _more(count: int) -> list[str]:
    return [f"… and {count - MAX_LISTED:,} more in the JSON report."] if count > MAX_LISTED else []
