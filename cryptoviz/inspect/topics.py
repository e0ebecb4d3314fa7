"""Topics as the broker has them: how much, and how fresh, without reading a record."""

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from confluent_kafka import KafkaException, TopicPartition

# OffsetSpec is public, but the package does not re-export it for type checkers.
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from cryptoviz.inspect.reach import Unreachable, require_broker
from cryptoviz.lake.topics import TOPICS
from cryptoviz.settings import Settings

_TIMEOUT_S = 5.0
_SILENT = logging.getLogger("cryptoviz.inspect.topics.silent")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False
_OFFSETS: Any = OffsetSpec
"""Its methods carry no types."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TopicStatus:
    """A topic. ``records`` counts those still kept, ``end_offset`` sums the partitions; ages in seconds."""

    name: str
    partitions: int
    records: int
    end_offset: int
    last_record: str | None
    age_s: int | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def topics(settings: Settings) -> list[TopicStatus]:
    """Every topic of the contract that exists. Raises :class:`Unreachable` when the broker does not answer."""
    require_broker(settings.bootstrap)
    admin = AdminClient({"bootstrap.servers": settings.bootstrap}, logger=_SILENT)
    try:
        existing = admin.list_topics(timeout=_TIMEOUT_S).topics
        names = [name for topic in TOPICS for name in settings.topic_names(topic)]
        return [_status(admin, name, existing[name].partitions) for name in names if name in existing]
    except KafkaException as error:
        raise Unreachable(f"the broker at {settings.bootstrap} does not answer: {error.args[0]}") from None


def end_offsets(settings: Settings, name: str) -> dict[int, int]:
    """The offset after the last record of each partition. Raises :class:`Unreachable`, also when there is no topic."""
    require_broker(settings.bootstrap)
    admin = AdminClient({"bootstrap.servers": settings.bootstrap}, logger=_SILENT)
    try:
        known = admin.list_topics(timeout=_TIMEOUT_S).topics
        if name not in known:
            raise Unreachable(f"the broker at {settings.bootstrap} has no topic {name}; start the stack with ./run up")
        asked = {TopicPartition(name, partition): _OFFSETS.latest() for partition in known[name].partitions}
        return {at.partition: future.result(_TIMEOUT_S).offset for at, future in admin.list_offsets(asked).items()}
    except KafkaException as error:
        raise Unreachable(f"the broker at {settings.bootstrap} does not answer: {error.args[0]}") from None


def _status(admin: AdminClient, name: str, partitions: Mapping[int, object]) -> TopicStatus:
    first = _offsets(admin, name, partitions, _OFFSETS.earliest())
    end = _offsets(admin, name, partitions, _OFFSETS.latest())
    newest = _offsets(admin, name, partitions, _OFFSETS.max_timestamp())
    last_ms = max((found.timestamp for found in newest), default=-1)
    last = datetime.fromtimestamp(last_ms / 1000, UTC) if last_ms >= 0 else None
    end_offset = sum(found.offset for found in end)
    return TopicStatus(
        name=name,
        partitions=len(partitions),
        records=end_offset - sum(found.offset for found in first),
        end_offset=end_offset,
        last_record=last.isoformat(timespec="milliseconds") if last else None,
        age_s=max(0, int((datetime.now(UTC) - last).total_seconds())) if last else None,
    )


def _offsets(admin: AdminClient, name: str, partitions: Mapping[int, object], spec: Any) -> list[Any]:
    asked = {TopicPartition(name, partition): spec for partition in partitions}
    return [future.result(_TIMEOUT_S) for future in admin.list_offsets(asked).values()]
