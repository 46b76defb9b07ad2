"""Turns what the client, urllib3 and botocore say into the errors of the lake.

lakeFS answers: nothing to commit or merge 400, wrong key 401, no permission or protected branch 403, missing
404, taken name or conflict 409, collected payload 410, refused by a hook or precondition 412, contention 423
or (since 2025) 429. The conflict of a merge carries no message; that of a revert was once a 500.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from headwater.lake.errors import (
    Busy,
    Conflict,
    Denied,
    Exists,
    Gone,
    InvalidName,
    LakeError,
    NoChanges,
    NotFound,
    Rejected,
    Unavailable,
)
from headwater.lake.lakefs.patience import Passing, Result, patiently

BUSY = frozenset({423, 429})
FAILING = frozenset({500, 502, 503, 504})
_HOST_SEEMS_WRONG = "is this the address of a lakeFS server?"
_CODES = {
    "NoSuchKey": 404,
    "NoSuchBucket": 404,
    "AccessDenied": 403,
    "InvalidAccessKeyId": 403,
    "SignatureDoesNotMatch": 403,
    "RequestTimeTooSkewed": 403,
    "SlowDown": 429,
}


def from_status(status: int, message: str) -> LakeError:
    """The error for an HTTP status and the server's words."""
    said = message.strip() or f"HTTP {status} without a message"
    lowered = said.lower()
    if status == 400 and "no changes" in lowered:
        return NoChanges(said)
    if status == 400 and ("uncommitted" in lowered or "dirty" in lowered):
        return Rejected(
            f"somebody wrote to the branch without committing ({said}): commit or reset that first"
        )
    if status == 409 or (status >= 500 and "conflict" in lowered):
        return (
            Exists(said) if status == 409 and message.strip() and "conflict" not in lowered else Conflict(())
        )
    if status in BUSY:
        return Busy(f"lakeFS is busy with other writers ({said}); trying again later may succeed")
    kinds: dict[int, tuple[type[LakeError], str]] = {
        400: (InvalidName, "lakeFS refused the request: "),
        401: (Denied, "lakeFS does not know this access key: "),
        403: (Denied, "lakeFS does not permit this: "),
        404: (NotFound, ""),
        410: (Gone, "the bytes were removed from the lake: "),
        412: (Rejected, "a hook or a precondition of lakeFS refused this: "),
    }
    if status in kinds:
        kind, prefix = kinds[status]
        return kind(prefix + said)
    return Unavailable(f"lakeFS answered with HTTP {status}: {said}")


def message_of(body: object) -> str:
    """What an error's body says, in lakeFS's form or any other; at most 300 characters."""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body or "")
    try:
        content: Any = json.loads(text)
    except ValueError:
        return " ".join(text.split())[:300]
    return str(content.get("message", ""))[:300] if isinstance(content, dict) else ""


def read_json(data: bytes) -> Any:
    """The body of an answer. Raises `Unavailable` when it is not JSON, so probably not lakeFS's."""
    try:
        return json.loads(data)
    except ValueError:
        start = data[:60].decode("utf-8", "replace")
        raise Unavailable(f"the answer is not JSON ({start!r}…): {_HOST_SEEMS_WRONG}") from None


def explain_data(what: str, action: Callable[[], Result]) -> Result:
    """The result of a transfer, with the lake's errors for what botocore raises; `what` names the object.

    botocore tries again by itself when a server fails or throttles, but not when an object is locked.
    """
    return patiently(lambda: _explained(what, action))


def _explained(what: str, action: Callable[[], Result]) -> Result:
    from boto3.exceptions import S3UploadFailedError
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
    from urllib3.exceptions import HTTPError

    try:
        return action()
    except (ClientError, S3UploadFailedError) as error:
        # A failed upload in parts hides what the server said in its context.
        cause = error if isinstance(error, ClientError) else error.__context__
        if not isinstance(cause, ClientError):
            raise Unavailable(f"{what} could not be sent: {error}") from error
        explained = _from_client_error(cause, what)
        if isinstance(explained, Busy):
            raise Passing(explained) from error
        raise explained from error
    except (BotoCoreError, HTTPClientError, HTTPError) as error:
        raise Unavailable(f"the transfer of {what} failed: {error}") from error


def _from_client_error(error: Any, what: str) -> LakeError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    message = str(error.response.get("Error", {}).get("Message", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    return from_status(_CODES.get(code, status), f"{what}: {code} {message}".strip())
