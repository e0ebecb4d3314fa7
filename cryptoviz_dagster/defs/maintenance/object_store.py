"""The bucket itself, through Dagster's S3 resource: what no table's log sees, such as uploads that were broken off."""

from datetime import datetime, timedelta
from typing import Any

import dagster as dg

from cryptoviz.lake.locations import Location
from cryptoviz_dagster.resources import Lake

STALE_AFTER = timedelta(days=1)
"""No file of the lake takes so long to write."""


def s3_resource(location: Location) -> dg.ResourceDefinition:
    """``dagster_aws``' resource for the lake's bucket, imported by runs that need it alone: it is costly."""

    @dg.resource(description="The object store of the lake.")
    def s3(_: dg.InitResourceContext) -> Any:
        from dagster_aws.s3 import S3Resource  # noqa: PLC0415 - see above

        return S3Resource(
            region_name=location.region,
            endpoint_url=location.endpoint or None,
            aws_access_key_id=location.access_key or None,
            aws_secret_access_key=location.secret_key or None,
        )

    return s3


@dg.op(out=dg.Out(dg.Nothing))
def abort_broken_uploads(
    context: dg.OpExecutionContext, lake: dg.ResourceParam[Lake], s3: dg.ResourceParam[Any]
) -> None:
    """Abort uploads of large files that a killed writer has left: they are invisible, and paid for."""
    aborted = abort_uploads(s3.get_client(), lake.location, before=lake.now() - STALE_AFTER)
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
