"""What a Dagster instance stands on: where its history is kept and where the logs of its runs go.

History lies in SQLite beside the stack, or in a PostgreSQL of the user's. Logs lie in the object store of the lake when
there is one, so that they outlive the machine, else in a folder. Keys travel in the environment, never in a file that
others may read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptoviz.lake.locations import Location
from cryptoviz.settings import Settings

_POSTGRES_URL = "CRYPTOVIZ_DAGSTER_POSTGRES_URL"
_DRIVER = "postgresql+psycopg2"
"""Named, since SQLAlchemy 2.1 takes a bare ``postgresql`` for another driver than dagster-postgres brings."""
_LOGS = "_dagster/logs"


@dataclass(frozen=True, kw_only=True, slots=True)
class Backing:
    """Parts of ``dagster.yaml``, and the environment they refer to, which holds keys."""

    storage: Mapping[str, Any]
    compute_logs: Mapping[str, Any]
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)


def backing_of(settings: Settings, folder: Path) -> Backing:
    """The backing of a stack's instance in ``folder``."""
    storage, storage_keys = _storage(settings.dagster_storage.get_secret_value(), folder)
    logs, log_keys = _compute_logs(settings.lake, folder)
    return Backing(storage=storage, compute_logs=logs, keys={**storage_keys, **log_keys})


def _storage(url: str, folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    if not url:
        return {"sqlite": {"base_dir": str(folder / "storage")}}, {}
    _, _, address = url.partition("://")
    return {"postgres": {"postgres_url": {"env": _POSTGRES_URL}}}, {_POSTGRES_URL: f"{_DRIVER}://{address}"}


def _compute_logs(lake: Location, folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    local = str(folder / "compute_logs")
    if not lake.is_s3:
        where = {"module": "dagster.core.storage.local_compute_log_manager", "class": "LocalComputeLogManager"}
        return {**where, "config": {"base_dir": local}}, {}
    prefix = lake.uri.removeprefix(f"s3://{lake.bucket}").strip("/")
    config: dict[str, Any] = {
        "bucket": lake.bucket,
        "prefix": f"{prefix}/{_LOGS}".lstrip("/"),
        "local_dir": local,
        "region": lake.region,
        "skip_empty_files": True,
    }
    if lake.endpoint:
        config["endpoint_url"] = lake.endpoint
    keys = {"AWS_DEFAULT_REGION": lake.region}
    if lake.access_key:
        keys |= {"AWS_ACCESS_KEY_ID": lake.access_key, "AWS_SECRET_ACCESS_KEY": lake.secret_key}
    return {"module": "dagster_aws.s3.compute_log_manager", "class": "S3ComputeLogManager", "config": config}, keys
