"""The part of a store that is the same for both: what callers hand in is checked before anything happens."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager

from headwater.lake.errors import Denied
from headwater.lake.inputs import check_message, check_metadata
from headwater.lake.names import PROTECTED_BRANCHES, check_branch, check_tag
from headwater.lake.protocol import Change, RefKind, Strategy


class CheckedLake(ABC):
    """The writing half of `headwater.lake.protocol.Lake`, in terms of a few steps that a store defines."""

    def create_branch(self, name: str, source: str = "main") -> str:
        return self._name_commit("branch", check_branch(name), source)

    def delete_branch(self, name: str) -> None:
        check_branch(name)
        if name in PROTECTED_BRANCHES:
            raise Denied(f"the branch {name!r} is protected and cannot be deleted")
        self._delete_branch(name)

    def tag(self, name: str, ref: str) -> str:
        return self._name_commit("tag", check_tag(name), ref)

    def change(
        self, branch: str, message: str, metadata: Mapping[str, str] = {}
    ) -> AbstractContextManager[Change]:
        return self._change(branch, check_message(message), check_metadata(metadata))

    def merge(
        self,
        source: str,
        into: str,
        message: str,
        metadata: Mapping[str, str] = {},
        *,
        strategy: Strategy | None = None,
    ) -> str:
        return self._merge(source, into, check_message(message), check_metadata(metadata), strategy)

    def revert(self, branch: str, ref: str, metadata: Mapping[str, str] = {}) -> str:
        return self._revert(branch, ref, check_metadata(metadata))

    @abstractmethod
    def _name_commit(self, kind: RefKind, name: str, ref: str) -> str: ...

    @abstractmethod
    def _delete_branch(self, name: str) -> None: ...

    @abstractmethod
    def _change(
        self, branch: str, message: str, metadata: Mapping[str, str]
    ) -> AbstractContextManager[Change]: ...

    @abstractmethod
    def _merge(
        self, source: str, into: str, message: str, metadata: Mapping[str, str], strategy: Strategy | None
    ) -> str: ...

    @abstractmethod
    def _revert(self, branch: str, ref: str, metadata: Mapping[str, str]) -> str: ...
