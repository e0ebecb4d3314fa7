"""The bucket of a lake on the stack's own MinIO."""

from cryptoviz.lake.locations import Location


def create_bucket(lake: Location) -> None:
    """Create the bucket of a lake unless it is there."""
    import boto3  # noqa: PLC0415 - a costly import, used once a start
    from botocore.config import Config  # noqa: PLC0415

    client = boto3.client(
        "s3",
        endpoint_url=lake.endpoint,
        aws_access_key_id=lake.access_key,
        aws_secret_access_key=lake.secret_key,
        region_name=lake.region,
        config=Config(s3={"addressing_style": "path"}),
    )
    try:
        client.create_bucket(Bucket=lake.bucket)
    except client.exceptions.BucketAlreadyOwnedByYou:
        return
    finally:
        client.close()
