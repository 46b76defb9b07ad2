"""A stand-in for lakeFS that speaks its wire protocol: `python server.py KEY SECRET` prints its port.

The API below `/api/v1`, the S3 gateway everywhere else, as lakeFS does it on one port. `/double/faults` takes
a list of faults: {"method", "path" (a pattern), "times", and one of "status" with "body", "delay", "drop",
"half", "patch" (fields that replace those of the answer)}.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
import secrets
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from versions import Branch, Commit, Entry, Refused, Repository

BLOCK = 1 << 20
BRANCH_NAME = re.compile(r"\w[-\w]*", re.ASCII)


class State:
    def __init__(self, folder: Path, key: str, secret: str) -> None:
        self.folder = folder
        self.key, self.secret = key, secret
        self.lock = threading.RLock()
        self.repositories: dict[str, Repository] = {}
        self.uploads: dict[str, dict] = {}
        self.faults: list[dict] = []
        self.version = "1.70.0"

    def repository(self, name: str) -> Repository:
        if name not in self.repositories:
            raise Refused(404, "repository not found")
        return self.repositories[name]

    def fault(self, method: str, path: str) -> dict | None:
        with self.lock:
            for fault in self.faults:
                if fault.get("method") in (None, method) and re.search(fault["path"], path):
                    if fault.get("skip", 0) > 0:
                        fault["skip"] -= 1
                        continue
                    fault["times"] -= 1
                    if fault["times"] <= 0:
                        self.faults.remove(fault)
                    return fault
        return None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    state: State

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""

    def handle_expect_100(self) -> bool:
        """Do not let the client wait for it in a buffer."""
        super().handle_expect_100()
        self.wfile.flush()
        return True

    def handle_request(self) -> None:
        self.patch: dict = {}
        self.half = False
        parts = urlsplit(self.path)
        path, self.query = parts.path, {k: v[0] for k, v in parse_qs(parts.query, True).items()}
        if path == "/double/faults":
            with self.state.lock:
                self.state.faults[:] = json.loads(self.read())
            return self.json(200, {})
        if path == "/double/version":
            self.state.version = json.loads(self.read())
            return self.json(200, {})
        if path == "/double/rot":
            return self.rot(json.loads(self.read()))
        if path == "/double/collect":
            return self.collect(json.loads(self.read()))
        if path == "/double/clone":
            return self.clone(*json.loads(self.read()))
        fault = self.state.fault(self.command, path)
        if fault is not None:
            if "delay" in fault:
                time.sleep(fault["delay"])
            if fault.get("drop"):
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return None
            self.half, self.patch = bool(fault.get("half")), fault.get("patch", {})
            if "status" in fault and not fault.get("after"):
                self.read()
                return self.send(
                    fault["status"], fault.get("body", "").encode(), {"Content-Type": "application/json"}
                )
        try:
            if path.startswith("/api/v1/"):
                self.api([unquote(part) for part in path[8:].split("/")])
            else:
                self.s3([unquote(part) for part in path[1:].split("/", 2)])
        except Refused as refused:
            if path.startswith("/api/v1/"):
                self.json(refused.status, refused.body)
            else:
                code = {404: "NoSuchKey", 403: "AccessDenied", 410: "Gone"}.get(
                    refused.status, "InvalidRequest"
                )
                self.xml(refused.status, f"<Error><Code>{code}</Code><Message>{refused}</Message></Error>")
        return None

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = handle_request  # noqa: N815

    # ------------------------------------------------------------------ bodies

    def read(self) -> bytes:
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    def body(self) -> dict:
        return json.loads(self.read() or b"{}")

    def store(self) -> tuple[str, int, str]:
        """Read the body into a file; its name, size and MD5."""
        left = size = int(self.headers.get("content-length") or 0)
        digest = hashlib.md5(usedforsecurity=False)
        file = self.state.folder / secrets.token_hex(12)
        with file.open("wb") as stream:
            while left:
                block = self.rfile.read(min(BLOCK, left))
                left -= len(block)
                digest.update(block)
                stream.write(block)
        return file.name, size, digest.hexdigest()

    def send(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if "Content-Length" not in (headers or {}) and status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: len(body) // 2] if self.half else body)
        if self.half:
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

    def json(self, status: int, content: object) -> None:
        if isinstance(content, dict) and self.patch:
            for name, value in self.patch.items():
                if name == "results":
                    content["results"] = [{**item, **value} for item in content["results"]]
                else:
                    content[name] = value
        self.send(status, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def xml(self, status: int, content: str) -> None:
        self.send(status, content.encode(), {"Content-Type": "application/xml"})

    def page(self, items: Iterable[dict], key: str) -> None:
        after, amount = self.query.get("after", ""), int(self.query.get("amount", 100))
        found: list[dict] = []
        more = False
        for item in items:
            if key and item[key].encode() <= after.encode():
                continue
            if len(found) == min(amount, 1000):
                more = True
                break
            found.append(item)
        self.json(
            200,
            {
                "pagination": {
                    "has_more": more,
                    "next_offset": found[-1][key or "id"] if more else "",
                    "results": len(found),
                    "max_per_page": 1000,
                },
                "results": found,
            },
        )

    # ------------------------------------------------------------------ API

    def api(self, parts: list[str]) -> None:
        body = self.body() if self.command in ("POST", "PUT") else {}
        if parts == ["healthcheck"]:
            return self.send(204)
        given = f"{self.state.key}:{self.state.secret}".encode()
        if self.headers.get("authorization") != "Basic " + base64.b64encode(given).decode():
            raise Refused(401, "error authenticating request")
        with self.state.lock:
            if parts == ["config"]:
                return self.json(200, {"version_config": {"version": self.state.version}})
            if parts == ["repositories"]:
                name = body["name"]
                if name in self.state.repositories:
                    raise Refused(409, "error creating repository: not unique")
                self.state.repositories[name] = Repository()
                return self.json(
                    201,
                    {"id": name, "default_branch": "main", "storage_namespace": "mem://", "creation_date": 0},
                )
            repository = self.state.repository(parts[1])
            rest = parts[2:]
            if not rest:
                return self.json(200, {"id": parts[1], "default_branch": "main"})
            return getattr(self, f"api_{rest[0]}")(repository, rest[1:], body)

    def api_settings(self, repository: Repository, rest: list[str], body: list) -> None:
        if self.command == "PUT":
            repository.protected = [rule["pattern"] for rule in body]
            return self.send(204)
        return self.json(200, [{"pattern": name} for name in repository.protected])

    def api_branches(self, repository: Repository, rest: list[str], body: dict) -> None:
        if not rest and self.command == "POST":
            name = body["name"]
            if not BRANCH_NAME.fullmatch(name):
                raise Refused(400, f"{name}: validation error: invalid value")
            commit = repository.resolve(body["source"])
            if name in repository.branches:
                raise Refused(409, "branch already exists")
            repository.branches[name] = Branch(commit, bool(body.get("hidden")))
            return self.send(201, commit.encode(), {"Content-Type": "text/html"})
        if not rest:
            shown = self.query.get("show_hidden") in ("true", "True")
            prefix = self.query.get("prefix", "")
            return self.page(
                (
                    {"id": name, "commit_id": branch.commit}
                    for name, branch in sorted(repository.branches.items())
                    if name.startswith(prefix) and (shown or not branch.hidden)
                ),
                "id",
            )
        branch = repository.branch(rest[0])
        if rest[1:] == [] and self.command == "DELETE":
            if rest[0] == "main" or rest[0] in repository.protected:
                raise Refused(403, "cannot delete protected branch")
            del repository.branches[rest[0]]
            return self.send(204)
        if rest[1:] == []:
            return self.json(200, {"id": rest[0], "commit_id": branch.commit})
        if rest[1:] == ["commits"]:
            made = repository.commit(rest[0], body["message"], body.get("metadata") or {})
            return self.json(201, describe(made))
        if rest[1:] == ["revert"]:
            repository.revert(rest[0], body["ref"], body["parent_number"])
            return self.send(204)
        if rest[1:] == ["objects", "copy"]:
            path = self.query["dest_path"]
            source = repository.tree(body["src_ref"])
            if body["src_path"] not in source:
                raise Refused(404, "object not found")
            repository.stage(rest[0], path, source[body["src_path"]])
            return self.json(201, item(path, source[body["src_path"]]))
        if rest[1:] == ["objects", "delete"]:
            tree, errors = repository.tree(rest[0]), []
            for path in body["paths"]:
                if path in tree:
                    repository.stage(rest[0], path, None)
                else:
                    errors.append({"status_code": 404, "message": "not found", "path": path})
            return self.json(200, {"errors": errors})
        raise Refused(501, "/".join(rest))

    def api_tags(self, repository: Repository, rest: list[str], body: dict) -> None:
        if self.command == "POST":
            commit = repository.resolve(body["ref"])
            if body["id"] in repository.tags:
                raise Refused(409, "tag already exists")
            repository.tags[body["id"]] = commit
            return self.json(201, {"id": body["id"], "commit_id": commit})
        if not rest:
            prefix = self.query.get("prefix", "")
            found = (
                {"id": k, "commit_id": v} for k, v in sorted(repository.tags.items()) if k.startswith(prefix)
            )
            return self.page(found, "id")
        if rest[0] not in repository.tags:
            raise Refused(404, "tag not found")
        return self.json(200, {"id": rest[0], "commit_id": repository.tags[rest[0]]})

    def api_commits(self, repository: Repository, rest: list[str], body: dict) -> None:
        self.json(200, describe(repository.commits[repository.resolve(rest[0])]))

    def api_refs(self, repository: Repository, rest: list[str], body: dict) -> None:
        ref, what = rest[0], rest[1:]
        if what[0] == "merge" and self.command == "POST":
            made = repository.merge(ref, what[1], body)
            lost = self.state.fault("LOST", self.path)
            return self.send(lost["status"], b"{}") if lost else self.json(200, {"reference": made})
        if what[0] == "merge":
            tip, into = repository.resolve(ref), repository.resolve(what[1])
            base = repository.merge_base(tip, into)
            return self.json(
                200, {"source_commit_id": tip, "destination_commit_id": into, "base_commit_id": base}
            )
        if what[0] == "diff":
            prefix = self.query.get("prefix", "")
            found = repository.diff(ref, what[1], self.query.get("type", "three_dot"))
            return self.page(
                ({"path": p, "type": t, "path_type": "object"} for p, t in found if p.startswith(prefix)),
                "path",
            )
        if what == ["commits"]:
            commits = repository.log(ref)
            if after := self.query.get("after"):
                commits = commits[[commit.id for commit in commits].index(after) + 1 :]
                self.query["after"] = ""
            return self.page(map(describe, commits), "")
        tree = repository.tree(ref)
        if what == ["objects", "stat"]:
            path = self.query["path"]
            if path not in tree:
                raise Refused(404, "object not found")
            return self.json(200, item(path, tree[path]))
        if what == ["objects", "ls"]:
            return self.page(self.listing(tree), "path")
        raise Refused(501, "/".join(rest))

    def listing(self, tree: dict[str, Entry]) -> Iterable[dict]:
        prefix, delimiter = self.query.get("prefix", ""), self.query.get("delimiter", "")
        last = ""
        for path in sorted((path for path in tree if path.startswith(prefix)), key=str.encode):
            head, slash, _ = path[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
            if not slash:
                yield item(path, tree[path])
            elif prefix + head + slash != last:
                last = prefix + head + slash
                yield {"path": last, "path_type": "common_prefix"}

    def rot(self, where: list[str]) -> None:
        """Change or (with the fourth word) remove the bytes of an object behind the server's back."""
        entry = self.state.repository(where[0]).tree(where[1])[where[2]]
        file = self.state.folder / entry.file
        if where[3:] == ["remove"]:
            file.unlink()
        else:
            file.write_bytes(b"\0" * entry.size)
        self.json(200, {})

    def clone(self, source: str, name: str) -> None:
        """Another repository with the same history, whose bytes can be collected apart."""
        with self.state.lock:
            made = copy.deepcopy(self.state.repository(source))
            for commit in made.commits.values():
                commit.tree = {path: self.linked(name, entry) for path, entry in commit.tree.items()}
            self.state.repositories[name] = made
        self.json(200, {})

    def linked(self, name: str, entry: Entry) -> Entry:
        file = self.state.folder / f"{name}-{entry.file}"
        if not file.exists():
            file.hardlink_to(self.state.folder / entry.file)
        return replace(entry, file=file.name)

    def collect(self, name: str) -> None:
        """Delete the bytes that are at no branch's head. Tags do not count, as in lakeFS."""
        repository = self.state.repository(name)
        kept = {entry.file for branch in repository.branches for entry in repository.tree(branch).values()}
        held = {entry.file for commit in repository.commits.values() for entry in commit.tree.values()}
        for file in held - kept:
            (self.state.folder / file).unlink(missing_ok=True)
        self.json(200, {})

    # ------------------------------------------------------------------ S3

    def s3(self, parts: list[str]) -> None:
        if f"Credential={self.state.key}/" not in self.headers.get("authorization", ""):
            self.read()
            return self.xml(
                403, "<Error><Code>InvalidAccessKeyId</Code><Message>unknown key</Message></Error>"
            )
        bucket, ref, key = (*parts, "", "")[:3]
        if self.command == "PUT" and "partNumber" in self.query:
            name, _, etag = self.store()
            with self.state.lock:
                self.state.uploads[self.query["uploadId"]]["parts"][int(self.query["partNumber"])] = name
            return self.send(200, b"", {"ETag": f'"{etag}"'})
        if self.command == "PUT":
            name, size, etag = self.store()
            self.stage(bucket, ref, key, Entry(etag, size, name, self.metadata(), int(time.time())))
            return self.send(200, b"", {"ETag": f'"{etag}"'})
        if self.command == "POST" and "uploads" in self.query:
            self.read()
            upload = secrets.token_hex(8)
            with self.state.lock:
                self.state.repository(bucket).branch(ref)
                self.state.uploads[upload] = {"metadata": self.metadata(), "parts": {}}
            return self.xml(
                200,
                f"<InitiateMultipartUploadResult><Key>{escape(ref + '/' + key)}</Key>"
                f"<UploadId>{upload}</UploadId></InitiateMultipartUploadResult>",
            )
        if self.command == "POST":
            self.read()
            return self.complete(bucket, ref, key)
        if self.command == "DELETE":
            self.state.uploads.pop(self.query.get("uploadId", ""), None)
            return self.send(204)
        return self.give(bucket, ref, key)

    def complete(self, bucket: str, ref: str, key: str) -> None:
        upload = self.state.uploads.pop(self.query["uploadId"])
        file = self.state.folder / secrets.token_hex(12)
        digest, size = hashlib.md5(usedforsecurity=False), 0
        with file.open("wb") as stream:
            for number in sorted(upload["parts"]):
                part = self.state.folder / upload["parts"][number]
                data = part.read_bytes()
                digest.update(hashlib.md5(data, usedforsecurity=False).digest())
                stream.write(data)
                size += len(data)
                part.unlink()
        etag = f"{digest.hexdigest()}-{len(upload['parts'])}"
        self.stage(bucket, ref, key, Entry(etag, size, file.name, upload["metadata"], int(time.time())))
        self.xml(
            200,
            f"<CompleteMultipartUploadResult><Bucket>{bucket}</Bucket><Key>{escape(key)}</Key>"
            f"<ETag>&quot;{etag}&quot;</ETag></CompleteMultipartUploadResult>",
        )

    def stage(self, bucket: str, branch: str, path: str, entry: Entry) -> None:
        with self.state.lock:
            self.state.repository(bucket).stage(branch, path, entry)

    def metadata(self) -> tuple[tuple[str, str], ...]:
        # As a Go server does, names of headers come in capitals.
        return tuple(
            sorted(
                ("-".join(word.capitalize() for word in name.split("-")), value)
                for name, value in self.headers.items()
                if name.lower().startswith("x-amz-meta-")
            )
        )

    def give(self, bucket: str, ref: str, path: str) -> None:
        with self.state.lock:
            entry = self.state.repository(bucket).tree(ref).get(path)
        if entry is None:
            raise Refused(404, "The specified key does not exist.")
        file = self.state.folder / entry.file
        if not file.exists():
            raise Refused(410, "object was garbage collected")
        headers = {
            "ETag": f'"{entry.checksum}"',
            "Last-Modified": "Sun, 22 Nov 2026 00:00:00 GMT",
            "Accept-Ranges": "bytes",
            **dict(entry.metadata),
        }
        first, last = 0, entry.size - 1
        if asked := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("range", "")):
            first, last = int(asked[1]), min(last, int(asked[2] or last))
            headers["Content-Range"] = f"bytes {first}-{last}/{entry.size}"
        if self.command == "HEAD":
            return self.send(200, b"", {**headers, "Content-Length": str(entry.size)})
        with file.open("rb") as stream:
            stream.seek(first)
            return self.send(206 if asked else 200, stream.read(last - first + 1), headers)


def describe(commit: Commit) -> dict:
    return {
        "id": commit.id,
        "parents": commit.parents,
        "committer": "double",
        "message": commit.message,
        "creation_date": commit.time,
        "meta_range_id": "",
        "metadata": commit.metadata,
        "generation": commit.generation,
    }


def item(path: str, entry: Entry) -> dict:
    return {
        "path": path,
        "path_type": "object",
        "physical_address": f"mem://{entry.file}",
        "checksum": entry.checksum,
        "mtime": entry.changed,
        "size_bytes": entry.size,
        "metadata": dict(entry.metadata),
    }


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that die in the middle are part of the tests."""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Handler.state = State(Path(folder), *sys.argv[1:3])
        server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(server.server_port, flush=True)
        # Ends with the process that started it.
        sys.stdin.read()


if __name__ == "__main__":
    main()
