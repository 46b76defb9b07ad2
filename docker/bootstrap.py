"""Makes what the other services need and is not there: the buckets, the lake's repository, its protection.

Run by the one-shot service `bootstrap`. Everything comes from the environment: `OBJECT_STORE_ENDPOINT`, an
access key in `OBJECT_STORE_ADMIN_*`, `LAKE_BUCKET`, `LOGS_BUCKET`, and what the lake itself reads
(`HEADWATER_LAKE`, `LAKEFS_*`). Exit code 0: everything is there; 1: something is wrong, and what to do.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from dagster_aws.s3 import S3Resource

from headwater.lake.lakefs.diagnose import diagnose

FOLDER = "headwater"
"""Where in the bucket the repository keeps its objects, so that a second one can live beside it."""


def make_buckets(environment: Mapping[str, str]) -> None:
    """Make the missing buckets. Raises `ClientError` or `BotoCoreError` when the object store refuses."""
    resource: Any = S3Resource(
        endpoint_url=environment["OBJECT_STORE_ENDPOINT"],
        region_name=environment["AWS_DEFAULT_REGION"],
        aws_access_key_id=environment["OBJECT_STORE_ADMIN_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["OBJECT_STORE_ADMIN_SECRET_ACCESS_KEY"],
    )
    client = resource.get_client()
    for bucket in (environment["LAKE_BUCKET"], environment["LOGS_BUCKET"]):
        if _is_there(client, bucket):
            print(f"ok   bucket         {bucket} is there")
        else:
            client.create_bucket(Bucket=bucket)
            print(f"ok   bucket         {bucket} was made")


def _is_there(client: Any, bucket: str) -> bool:
    try:
        client.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") != 404:
            raise
        return False
    return True


def make_repository(environment: Mapping[str, str]) -> bool:
    """Make the lake's repository if it is missing, and look whether it can be used; print what was found."""
    namespace = f"s3://{environment['LAKE_BUCKET']}/{FOLDER}"
    fine = True
    for finding in diagnose(environment["HEADWATER_LAKE"], create_in=namespace):
        print(f"{'ok  ' if finding.ok else 'bad '} {finding.area:<14} {finding.what}")
        if not finding.ok:
            print(f"{'':20}-> {finding.remedy}")
        fine = fine and finding.ok
    return fine


def main() -> int:
    """The exit code."""
    try:
        make_buckets(os.environ)
    except KeyError as error:
        print(f"bad  settings       the environment variable {error} is not set")
        return 1
    except (ClientError, BotoCoreError) as error:
        print(f"bad  object store   {error}")
        print(f"{'':20}-> check OBJECT_STORE_ENDPOINT and the OBJECT_STORE_ADMIN_* key, and the store's log")
        return 1
    return 0 if make_repository(os.environ) else 1


if __name__ == "__main__":
    sys.exit(main())
