"""lakeFS's API through its Python client: branches, commits, merges, tags, listings.

Answers are read as plain JSON, for the client's models reject values that are newer than they are. Every call
has a time-out. What lakeFS refuses because it is busy or failing is tried again; nothing else is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Literal, cast

from headwater.lake.errors import NotFound, Unavailable
from headwater.lake.lakefs.address import Address, Keys
from headwater.lake.lakefs.failures import BUSY, FAILING, from_status, message_of, read_json
from headwater.lake.lakefs.patience import Passing, patiently

Json = dict[str, Any]
PAGE = 1000
"""The most that lakeFS returns at once."""

DEFAULT_TIMEOUT = (5.0, 300.0)
"""Seconds to connect, seconds to wait for an answer (a merge of many objects takes minutes)."""


class Control:
    """One repository of one server. Safe between threads; not to be shared with forked processes."""

    def __init__(
        self,
        address: Address,
        keys: Keys,
        ca_file: str | None,
        timeout: tuple[float, float] = DEFAULT_TIMEOUT,
    ) -> None:
        import urllib3
        from lakefs_client import Configuration, models
        from lakefs_client.client import LakeFSClient

        configuration: Any = Configuration(
            host=address.endpoint,
            username=keys.access_key_id,
            password=keys.secret_access_key,
            ssl_ca_cert=ca_file,
        )
        # Only what never reached the server is tried again down there.
        configuration.retries = urllib3.Retry(total=2, connect=2, read=0, redirect=0, status=0, other=0)
        configuration.connection_pool_maxsize = 32
        self._client: Any = LakeFSClient(configuration)
        self._models: Any = models
        self._address = address
        self._timeout = timeout

    def config(self) -> Json:
        """The server's configuration; its version is in `version_config`."""
        return self._call(self._client.config_api.get_config)

    def repository(self) -> Json:
        """Raises `NotFound`."""
        return self._call(self._client.repositories_api.get_repository, self._address.repository)

    def create_repository(self, storage_namespace: str) -> None:
        """Make the repository with the branch `main`. Raises `Exists`."""
        creation = self._models.RepositoryCreation(
            name=self._address.repository, storage_namespace=storage_namespace, default_branch="main"
        )
        self._call(self._client.repositories_api.create_repository, creation)

    def protect(self, branches: Sequence[str]) -> None:
        """Let nobody write to these branches but by merging."""
        rules = [self._models.BranchProtectionRule(pattern=name) for name in branches]
        self._repository_call(self._client.repositories_api.set_branch_protection_rules, rules)

    def protected(self) -> list[str]:
        """The patterns of protected branches."""
        rules = self._repository_call(self._client.repositories_api.get_branch_protection_rules)
        return [str(rule["pattern"]) for rule in rules or []]

    def branch(self, name: str) -> str:
        """The commit at the head of a branch. Raises `NotFound`."""
        return str(self._repository_call(self._client.branches_api.get_branch, name)["commit_id"])

    def branches(self, prefix: str = "", *, hidden: bool = False) -> Iterator[Json]:
        """Branches in order of their names, with `id` and `commit_id`."""
        more: Json = {"show_hidden": True} if hidden else {}
        return self._pages(self._client.branches_api.list_branches, prefix=prefix, **more)

    def create_branch(self, name: str, commit: str, *, hidden: bool = False) -> None:
        """Raises `Exists`."""
        more = {"hidden": True} if hidden else {}
        creation = self._models.BranchCreation(name=name, source=commit, **more)
        self._repository_call(self._client.branches_api.create_branch, creation)

    def delete_branch(self, name: str) -> None:
        """Raises `NotFound`, `Denied` for a protected branch."""
        self._repository_call(self._client.branches_api.delete_branch, name)

    def tag(self, name: str) -> str:
        """The commit of a tag. Raises `NotFound`."""
        return str(self._repository_call(self._client.tags_api.get_tag, name)["commit_id"])

    def tags(self, prefix: str = "") -> Iterator[Json]:
        """Tags in order of their names, with `id` and `commit_id`."""
        return self._pages(self._client.tags_api.list_tags, prefix=prefix)

    def create_tag(self, name: str, commit: str) -> None:
        """Raises `Exists`."""
        creation = self._models.TagCreation(id=name, ref=commit)
        self._repository_call(self._client.tags_api.create_tag, creation)

    def commit(self, commit: str) -> Json:
        """A commit by its id. Raises `NotFound`."""
        return self._repository_call(self._client.commits_api.get_commit, commit)

    def commit_branch(self, branch: str, message: str, metadata: Mapping[str, str]) -> str:
        """Commit what was written to a branch; the new commit's id. Raises `NoChanges`, `Rejected`."""
        creation = self._models.CommitCreation(message=message, metadata=dict(metadata))
        return str(self._repository_call(self._client.commits_api.commit, branch, creation)["id"])

    def merge(
        self,
        source: str,
        into: str,
        message: str,
        metadata: Mapping[str, str],
        *,
        strategy: str | None = None,
        squash: bool = False,
    ) -> str:
        """Merge a ref into a branch; the new commit's id. Raises `NoChanges`, `Conflict` without paths."""
        # The client has no field for squash_merge but passes it on; lakeFS reads it since 1.48.
        more: Json = {"strategy": strategy} if strategy else {}
        more |= {"squash_merge": True} if squash else {}
        merge = self._models.Merge(message=message, metadata=dict(metadata), **more)
        answer = self._repository_call(self._client.refs_api.merge_into_branch, source, into, merge=merge)
        return str(answer["reference"])

    def merge_base(self, source: str, into: str) -> str:
        """The last commit that both refs contain."""
        return str(
            self._repository_call(self._client.refs_api.find_merge_base, source, into)["base_commit_id"]
        )

    def revert(self, branch: str, commit: str) -> None:
        """Undo a commit (a merge: to its first parent) on a branch. Raises `NoChanges`, `Conflict`."""
        creation = self._models.RevertCreation(ref=commit, parent_number=1)
        self._repository_call(self._client.branches_api.revert_branch, branch, creation)

    def log(self, ref: str, *, amount: int | None = None) -> Iterator[Json]:
        """Commits from newest to oldest."""
        return self._pages(self._client.refs_api.log_commits, ref, amount=amount)

    def diff(
        self,
        left: str,
        right: str,
        kind: Literal["two_dot", "three_dot"] = "two_dot",
        *,
        prefix: str = "",
        after: str = "",
        amount: int | None = None,
    ) -> Iterator[Json]:
        """What differs, with `path` and `type`; three-dot: what a merge of `right` into `left` would do."""
        more = {"prefix": prefix} if prefix else {}
        return self._pages(
            self._client.refs_api.diff_refs, left, right, type=kind, start=after, amount=amount, **more
        )

    def objects(
        self, ref: str, prefix: str = "", *, after: str = "", delimiter: str = "", amount: int | None = None
    ) -> Iterator[Json]:
        """Objects in byte order; with a delimiter also what ends in it, as `path_type` common_prefix."""
        more = {"delimiter": delimiter} if delimiter else {}
        return self._pages(
            self._client.objects_api.list_objects,
            ref,
            prefix=prefix,
            start=after,
            amount=amount,
            user_metadata=True,
            **more,
        )

    def stat(self, ref: str, path: str) -> Json:
        """One object. Raises `NotFound`, `Gone`."""
        return self._repository_call(self._client.objects_api.stat_object, ref, path, user_metadata=True)

    def copy(self, branch: str, path: str, source: str, source_path: str = "") -> Json:
        """Make `path` on a branch what it, or `source_path`, is at another ref; the server copies."""
        creation = self._models.ObjectCopyCreation(src_path=source_path or path, src_ref=source)
        return self._repository_call(self._client.objects_api.copy_object, branch, path, creation)

    def delete(self, branch: str, paths: Sequence[str]) -> None:
        """Remove objects from a branch; those that are not there are no error."""
        for start in range(0, len(paths), PAGE):
            chosen = self._models.PathList(paths=list(paths[start : start + PAGE]))
            answer = self._repository_call(self._client.objects_api.delete_objects, branch, chosen)
            for failed in (answer or {}).get("errors") or []:
                status = int(failed.get("status_code", 500))
                if status != 404:
                    raise from_status(status, f"{failed.get('path')}: {failed.get('message', '')}")

    def _pages(
        self,
        function: Callable[..., Any],
        *arguments: str,
        amount: int | None = None,
        start: str = "",
        **more: Any,
    ) -> Iterator[Json]:
        after, left = start, amount
        while left is None or left > 0:
            size = PAGE if left is None else min(PAGE, left)
            # The client takes no empty `after` for a log.
            position = {"after": after} if after else {}
            answer = self._repository_call(function, *arguments, amount=size, **position, **more)
            results = cast("list[Json]", answer["results"])
            yield from results
            left = None if left is None else left - len(results)
            if not answer["pagination"]["has_more"]:
                return
            after = str(answer["pagination"]["next_offset"])

    def _repository_call(self, function: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
        return self._call(function, self._address.repository, *arguments, **more)

    def _call(self, function: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
        return patiently(lambda: self._once(function, arguments, more))

    def _once(self, function: Callable[..., Any], arguments: Sequence[Any], more: Mapping[str, Any]) -> Any:
        from lakefs_client import ApiException
        from urllib3.exceptions import HTTPError

        where = f"lakeFS at {self._address.endpoint}"
        try:
            response = function(*arguments, _preload_content=False, _request_timeout=self._timeout, **more)
            data = cast("bytes", response.data)
        except ApiException as failure:
            status = int(failure.status or 0)
            error = from_status(status, message_of(failure.body))
            if status in BUSY or (status in FAILING and isinstance(error, Unavailable)):
                raise Passing(error) from failure
            raise error from failure
        except UnicodeDecodeError as failure:
            # The client reads the body of every error as UTF-8, which a proxy's page need not be.
            raise Unavailable(f"{where} answered with an error that is not text") from failure
        except HTTPError as failure:
            raise Unavailable(f"{where} cannot be reached or broke off: {_reason(failure)}") from failure
        is_json = "json" in str(response.headers.get("content-type", "")) or data[:1] in (b"{", b"[")
        if is_json:
            return read_json(data)
        text = data.decode("utf-8", "replace").strip()
        if text.startswith("<"):
            raise Unavailable(f"{where} answered with a web page: is this the address of a lakeFS server?")
        return text


def _reason(failure: Exception) -> str:
    return str(getattr(failure, "reason", None) or failure)


def find_commit(control: Control, branch: str, token_key: str, token: str) -> str | None:
    """The commit among the newest of a branch that carries a writer's token: it was made, and the answer to
    the writer got lost."""
    with suppress(NotFound):
        for item in control.log(branch, amount=100):
            if (item.get("metadata") or {}).get(token_key) == token:
                return str(item["id"])
    return None
