"""What there is: freshness of topics and tables, and the markets of the lake."""

import socket
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

import polars as pl
from deltalake import DeltaTable

from cryptoviz.lake.locations import Location
from cryptoviz.lake.tables import PARTITION_COLUMNS, TABLES, Table
from cryptoviz.lake.topics import TOPICS
from cryptoviz.settings import Settings
from cryptoviz.storage.frames import TableNotWritten, open_table, scan

_TIMEOUT_S = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class TopicStatus:
    """A topic as the broker has it. ``records`` counts those still kept."""

    name: str
    partitions: int
    records: int
    end_offset: int

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class TableStatus:
    """A table as its log has it, without reading data."""

    name: str
    rows: int
    hours: int
    files: int
    bytes: int
    last_commit: str
    age_s: int | None

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


def topics(settings: Settings) -> list[TopicStatus]:
    """Every topic of the contract; none when the broker does not answer."""
    from confluent_kafka import Consumer, KafkaException, TopicPartition  # noqa: PLC0415 - keeps `--help` quick

    consumer = Consumer({"bootstrap.servers": settings.bootstrap, "group.id": "cryptoviz-status", "log_level": 0})
    try:
        found = []
        for topic in TOPICS:
            name = settings.topic_name(topic)
            partitions = consumer.list_topics(name, timeout=_TIMEOUT_S).topics[name].partitions
            marks = [consumer.get_watermark_offsets(TopicPartition(name, p), timeout=_TIMEOUT_S) for p in partitions]
            ends = sum(high for _, high in marks)
            kept = sum(high - low for low, high in marks)
            found.append(TopicStatus(name=name, partitions=len(marks), records=kept, end_offset=ends))
    except KafkaException:
        return []
    finally:
        consumer.close()
    return found


def tables(location: Location) -> list[TableStatus]:
    """Every table that exists."""
    found = []
    for table in TABLES:
        try:
            found.append(_status(table, open_table(table, location)))
        except (TableNotWritten, OSError):
            continue
    return found


def tables_if_reachable(location: Location) -> list[TableStatus]:
    """Every table that exists; none when the store does not answer."""
    if location.endpoint and not _answers(location.endpoint):
        return []
    return tables(location)


def _answers(endpoint: str) -> bool:
    parts = urlsplit(endpoint)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 443), timeout=2):
            return True
    except OSError:
        return False


def markets(location: Location, table: Table) -> pl.DataFrame:
    """Range, rows and hours of each venue and symbol of a table."""
    return (
        scan(table, location)
        .group_by("venue", "symbol")
        .agg(
            first=pl.col(table.time_column).min(),
            last=pl.col(table.time_column).max(),
            rows=pl.len(),
            hours=pl.struct(PARTITION_COLUMNS).n_unique(),
        )
        .sort("venue", "symbol")
        .collect()
    )


def _status(table: Table, delta: DeltaTable) -> TableStatus:
    actions = pl.DataFrame(delta.get_add_actions(flatten=True))
    newest = delta.history(1)[0]["timestamp"] / 1000
    hours = (
        actions.select(pl.struct(f"partition.{name}" for name in PARTITION_COLUMNS)).n_unique() if len(actions) else 0
    )
    return TableStatus(
        name=table.name,
        rows=int(actions["num_records"].sum() or 0) if len(actions) else 0,
        hours=hours,
        files=len(actions),
        bytes=int(actions["size_bytes"].sum() or 0) if len(actions) else 0,
        last_commit=datetime.fromtimestamp(newest, UTC).isoformat(timespec="milliseconds"),
        age_s=int(datetime.now(UTC).timestamp() - newest),
    )
