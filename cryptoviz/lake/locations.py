"""Where the lake lies: one root, a directory or an S3 prefix, with what is needed to reach it."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class Location:
    """Root of a lake. ``uri`` is ``s3://bucket/prefix`` or a directory; the keys never appear in a repr."""

    uri: str
    endpoint: str = ""
    access_key: str = field(default="", repr=False)
    secret_key: str = field(default="", repr=False)
    region: str = "us-east-1"

    @property
    def is_s3(self) -> bool:
        """Whether the root is an object store."""
        return self.uri.startswith("s3://")

    @property
    def bucket(self) -> str:
        """Bucket of an S3 root."""
        return self.uri.removeprefix("s3://").split("/", 1)[0]

    @property
    def storage_options(self) -> dict[str, str]:
        """Options understood by Delta, Polars and object_store; empty for a directory."""
        if not self.is_s3:
            return {}
        options = {"AWS_REGION": self.region}
        if self.endpoint:
            options |= {"AWS_ENDPOINT_URL": self.endpoint, "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "false"}
        if self.endpoint.startswith("http://"):
            options["AWS_ALLOW_HTTP"] = "true"
        if self.access_key:
            options |= {"AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret_key}
        return options

    def table(self, name: str) -> str:
        """URI of a table."""
        return f"{self.uri.rstrip('/')}/{name}"
