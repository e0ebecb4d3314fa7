"""The bucket itself, through Dagster's S3 resource: what no table's log sees, such as uploads that were broken off."""

from datetime import datetime, timedelta
from typing import Any

import dagster as dg

from cryptoviz.lake.locations import Location
from cryptoviz_dagster.resources import Lake

STALE_AFTER = timedelta(days=1)
"""No file of the lake takes so long to write."""


class ObjectStore:
    """The store of the lake through Dagster's S3 resource. Nothing is imported before a client is asked for."""

    def __init__(self, location: Location) -> None:
        self._location = location

    def client(self) -> Any:
        """A client of the S3 protocol."""
        from dagster_aws.s3 import S3Resource  # noqa: PLC0415 - costly, for this alone

        return S3Resource(
            region_name=self._location.region,
            endpoint_url=self._location.endpoint or None,
            aws_access_key_id=self._location.access_key or None,
            aws_secret_access_key=self._location.secret_key or None,
        ).get_client()


@dg.op(out=dg.Out(dg.Nothing))
def abort_broken_uploads(
    context: dg.OpExecutionContext, lake: dg.ResourceParam[Lake], object_store: dg.ResourceParam[ObjectStore]
) -> None:
    """Abort uploads of large files that a killed writer has left: they are invisible, and paid for."""
    aborted = abort_uploads(object_store.client(), lake.location, before=lake.now() - STALE_AFTER)
    context.log.info("%d broken uploads aborted", aborted)
    context.add_output_metadata({"aborted_uploads": aborted})


def abort_uploads(client: Any, location: Location, *, before: datetime) -> int:
    """Abort uploads begun before an instant, under the root of the lake alone; how many."""
    prefix = location.uri.removeprefix(f"s3://{location.bucket}").strip("/")
    pages = client.get_paginator("list_multipart_uploads").paginate(
        Bucket=location.bucket, **({"Prefix": f"{prefix}/"} if prefix else {})
    )
    uploads = [upload for page in pages for upload in page.get("Uploads", ())]
    stale = [upload for upload in uploads if upload["Initiated"] < before]
    for upload in stale:
        client.abort_multipart_upload(Bucket=location.bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    return len(stale)
