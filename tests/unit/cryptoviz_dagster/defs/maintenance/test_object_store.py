from datetime import UTC, datetime, timedelta

import pytest

from cryptoviz.lake.locations import Location
from cryptoviz_dagster.defs.maintenance.object_store import abort_uploads

NOW = datetime(2026, 11, 10, tzinfo=UTC)


class Bucket:
    """Uploads under way in a bucket, listed page by page as S3 does."""

    def __init__(self, uploads):
        self.uploads = uploads

    def get_paginator(self, operation):
        assert operation == "list_multipart_uploads"
        return self

    def paginate(self, *, Bucket, Prefix=""):  # noqa: N803 - S3's names
        assert Bucket == "market"
        found = [upload for upload in self.uploads if upload["Key"].startswith(Prefix)]
        yield from ({"Uploads": [upload]} for upload in found)
        yield {}

    def abort_multipart_upload(self, *, Bucket, Key, UploadId):  # noqa: N803 - S3's names
        assert (Bucket, Key) == ("market", next(u["Key"] for u in self.uploads if u["UploadId"] == UploadId))
        self.uploads = [upload for upload in self.uploads if upload["UploadId"] != UploadId]


@pytest.mark.parametrize(("uri", "left"), [("s3://market", ["2"]), ("s3://market/lake", ["2", "3"])])
def test_only_uploads_that_are_old_and_of_this_lake_are_aborted(uri, left):
    bucket = Bucket(
        [
            {"Key": "lake/trades/a.parquet", "UploadId": "1", "Initiated": NOW - timedelta(hours=1)},
            {"Key": "lake/trades/b.parquet", "UploadId": "2", "Initiated": NOW + timedelta(hours=1)},
            {"Key": "others/c.parquet", "UploadId": "3", "Initiated": NOW - timedelta(hours=1)},
        ]
    )
    count = abort_uploads(bucket, Location(uri=uri), before=NOW)
    assert [upload["UploadId"] for upload in bucket.uploads] == left
    assert count == 3 - len(left)
