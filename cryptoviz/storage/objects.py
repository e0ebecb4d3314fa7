"""Objects beside the tables: one interface for a directory, MinIO and S3."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import obstore
from obstore.exceptions import AlreadyExistsError, NotFoundError
from obstore.store import LocalStore, S3Store

from cryptoviz.lake.locations import Location


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What a listing tells of an object. ``tag`` changes whenever the content does."""

    path: str
    tag: str


class UnsafeStore(RuntimeError):
    """The store does not honour `If-None-Match: *`, so two commits could overwrite each other."""


class Objects:
    """Objects under the root of a lake, by relative path. A put is seen whole or not at all."""

    def __init__(self, location: Location) -> None:
        self._store = _open(location)

    def put(self, path: str, payload: bytes) -> None:
        """Write or replace an object."""
        obstore.put(self._store, path, payload, use_multipart=False)

    def create(self, path: str, payload: bytes) -> bool:
        """Write an object unless it exists; tells whether it was written."""
        try:
            obstore.put(self._store, path, payload, mode="create", use_multipart=False)
        except AlreadyExistsError:
            return False
        return True

    def get(self, path: str) -> bytes | None:
        """Content of an object, None when there is none."""
        try:
            return bytes(obstore.get(self._store, path).bytes())
        except (NotFoundError, FileNotFoundError):
            return None

    def list(self, prefix: str, *, after: str | None = None) -> list[ObjectInfo]:
        """Objects below a prefix, by path; only those whose path comes ``after`` one."""
        found = [_info(meta) for page in obstore.list(self._store, prefix, offset=after) for meta in page]
        return sorted(found, key=lambda info: info.path)

    def delete(self, paths: Iterable[str]) -> None:
        """Remove objects; those already gone are no error."""
        for path in paths:
            try:
                obstore.delete(self._store, path)
            except (NotFoundError, FileNotFoundError):
                continue


def probe_conditional_put(location: Location) -> None:
    """Prove that the store refuses to overwrite on `If-None-Match: *`. Raises :class:`UnsafeStore` with the reason."""
    objects, path = Objects(location), f"_probe/{uuid.uuid4().hex}"
    try:
        objects.create(path, b"first")
        if objects.create(path, b"second"):
            raise UnsafeStore(
                f"{location.uri} at {location.endpoint or 'its default endpoint'} accepted a second PUT with "
                "If-None-Match: *; concurrent commits could be lost. Use MinIO, AWS S3 or another that answers 412."
            )
    finally:
        objects.delete([path])


def _open(location: Location) -> Any:
    if not location.is_s3:
        Path(location.uri).mkdir(parents=True, exist_ok=True)
        return LocalStore(prefix=location.uri)
    prefix = location.uri.removeprefix("s3://").partition("/")[2].strip("/")
    config: dict[str, Any] = {"region": location.region, "virtual_hosted_style_request": False}
    if location.endpoint:
        config["endpoint"] = location.endpoint
    if location.access_key:
        config |= {"access_key_id": location.access_key, "secret_access_key": location.secret_key}
    return S3Store(
        location.bucket,
        prefix=prefix or None,
        client_options={"allow_http": location.endpoint.startswith("http://"), "timeout": "30s"},
        retry_config={"max_retries": 5},
        **config,
    )


def _info(meta: Any) -> ObjectInfo:
    tag = meta.get("e_tag") or f"{meta['last_modified'].timestamp()}-{meta['size']}"
    return ObjectInfo(path=str(meta["path"]), tag=str(tag))
