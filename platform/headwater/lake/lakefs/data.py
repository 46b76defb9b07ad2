"""Objects' bytes through lakeFS's S3 gateway, in bounded memory.

A bucket is the repository, a key is `<branch or commit>/<path>`. lakeFS's ETag is no digest of what was sent
in parts, so objects carry their own SHA-256.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headwater.fingerprint import digest_file
from headwater.lake.errors import LakeError, Unavailable
from headwater.lake.lakefs.address import Address, Keys
from headwater.lake.lakefs.failures import explain_data

PART_BYTES = 8 << 20
"""Objects up to this size are sent and fetched in one piece, larger ones in parts of at least this."""

MOST_PARTS = 9_000
"""S3 allows 10,000 parts of one object."""

THREADS = 4
ATTEMPTS = 4
_BLOCK = 1 << 20


class Data:
    """One repository's objects. Safe between threads; not to be shared with forked processes."""

    def __init__(self, address: Address, keys: Keys, ca_file: str | None) -> None:
        # The core knows no Dagster; the user's one way to S3 is Dagster's resource, and it makes this client.
        from dagster_aws.s3 import S3Resource

        resource: Any = S3Resource(
            endpoint_url=address.endpoint,
            region_name="us-east-1",
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
            max_attempts=ATTEMPTS,
        )
        if ca_file is not None:
            resource = resource.model_copy(update={"verify": ca_file})
        self._s3: Any = resource.get_client()
        # The checksums that botocore adds by default are newer than many S3 gateways; the resource has no
        # field for this, and botocore reads its configuration at each request.
        self._s3.meta.config.request_checksum_calculation = "when_required"
        self._s3.meta.config.response_checksum_validation = "when_required"
        self._bucket = address.repository

    def send(self, branch: str, path: str, source: bytes | Path, headers: Mapping[str, str]) -> None:
        """Write an object to a branch: small ones from memory, large ones from a file.

        Raises `OSError` for a source that cannot be read.
        """
        target = {"Bucket": self._bucket, "Key": f"{branch}/{path}"}

        def transfer() -> None:
            if isinstance(source, bytes):
                self._s3.put_object(**target, Body=source, Metadata=dict(headers))
                return
            config, more = _transfer(source.stat().st_size), {"Metadata": dict(headers)}
            self._s3.upload_file(str(source), **target, ExtraArgs=more, Config=config)

        explain_data(repr(path), transfer)

    def receive(self, commit: str, path: str, size: int, target: Path) -> str:
        """Write an object's bytes to a new file and return their SHA-256. Raises `NotFound`, `Gone`."""
        source = {"Bucket": self._bucket, "Key": f"{commit}/{path}"}

        def transfer() -> str:
            if size <= PART_BYTES:
                return self._receive_whole(source, target)
            self._s3.download_file(**source, Filename=str(target), Config=_transfer(size))
            return digest_file(target)

        return explain_data(repr(path), transfer)

    def head(self, commit: str, path: str) -> int:
        """The size of an object's bytes. Raises `NotFound`, `Gone`."""
        asked = {"Bucket": self._bucket, "Key": f"{commit}/{path}"}
        return explain_data(repr(path), lambda: int(self._s3.head_object(**asked)["ContentLength"]))

    def _receive_whole(self, source: Mapping[str, str], target: Path) -> str:
        from botocore.exceptions import (
            ConnectionClosedError,
            IncompleteReadError,
            ReadTimeoutError,
            ResponseStreamingError,
        )
        from urllib3.exceptions import ProtocolError

        broken = (
            IncompleteReadError,
            ReadTimeoutError,
            ResponseStreamingError,
            ConnectionClosedError,
            ProtocolError,
        )
        last: Exception | None = None
        # botocore tries again until an answer begins, not when it breaks off.
        for _ in range(ATTEMPTS):
            digest = hashlib.sha256()
            try:
                with target.open("wb") as stream:
                    for block in self._s3.get_object(**source)["Body"].iter_chunks(_BLOCK):
                        digest.update(block)
                        stream.write(block)
            except broken as error:
                last = error
                continue
            return digest.hexdigest()
        raise Unavailable(f"the transfer of {source['Key']!r} broke off {ATTEMPTS} times: {last}") from last


def unchanged(source: Path, size: int, modified_ns: int) -> None:
    """Raises `LakeError` when a file is not what it was when its digest was taken."""
    now = source.stat()
    if (now.st_size, now.st_mtime_ns) != (size, modified_ns):
        raise LakeError(f"{source} changed while it was read into the lake")


def _transfer(size: int) -> Any:
    from boto3.s3.transfer import TransferConfig

    part = max(PART_BYTES, -(-size // MOST_PARTS))
    return TransferConfig(
        multipart_threshold=PART_BYTES + 1,
        multipart_chunksize=part,
        max_concurrency=THREADS,
        io_chunksize=_BLOCK,
    )
