"""Kafka as one KRaft broker: its files, its storage, its command line, and the topics of the lake."""

import base64
import subprocess
import uuid
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from string import Template

from cryptoviz.lake.topics import Topic
from cryptoviz.stack.errors import ServiceFailed
from cryptoviz.stack.java import Java
from cryptoviz.stack.paths import INFRA

_HEAP = ("-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:MaxDirectMemorySize=128m", "-XX:ReservedCodeCacheSize=64m")
_LIMITS = ("-XX:MaxMetaspaceSize=128m", "-Xss512k", "-XX:+ExitOnOutOfMemoryError")
_ADMIN_TIMEOUT_S = 20.0

TOPIC_CONFIG = {
    "cleanup.policy": "delete",
    "retention.ms": str(7 * 24 * 3_600_000),
    "retention.bytes": str(1024**3),
    "max.message.bytes": str(16 * 1024**2),
    "message.timestamp.type": "LogAppendTime",
}
"""Kept by arrival (a backfilled record is old from the start), and wide enough for a record that nobody should send."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Broker:
    """One broker and controller in one process. ``folder`` holds its configuration and its data."""

    folder: Path
    java: Java
    jars: Path
    port: int
    controller_port: int

    @property
    def command(self) -> tuple[str, ...]:
        """Starts the broker."""
        logging = f"-Dlog4j2.configurationFile={INFRA / 'kafka' / 'log4j2.xml'}"
        return (*self._java(*_HEAP, *_LIMITS, logging), "kafka.Kafka", str(self._properties))

    def prepare(self) -> None:
        """Write the configuration and format the storage once."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._properties.write_text(self.properties())
        if (self.folder / "data" / "meta.properties").is_file():
            return
        request = ("format", "--cluster-id", _cluster_id(), "--standalone", "--config", str(self._properties))
        formatting = subprocess.run(
            [*self._java("-XX:+UseSerialGC"), "kafka.tools.StorageTool", *request],
            capture_output=True,
            text=True,
            check=False,
        )
        if formatting.returncode:
            raise ServiceFailed(f"Kafka's storage in {self.folder} cannot be formatted: {formatting.stderr[-800:]}")

    def properties(self) -> str:
        """The broker's configuration."""
        template = Template((INFRA / "kafka" / "server.properties").read_text())
        data = self.folder / "data"
        return template.substitute(port=self.port, controller_port=self.controller_port, data=data)

    @property
    def _properties(self) -> Path:
        return self.folder / "server.properties"

    def _java(self, *options: str) -> tuple[str, ...]:
        return (str(self.java.executable), *options, "-cp", f"{self.jars}/*")


def create_topics(bootstrap: str, topics: Mapping[str, Topic]) -> None:
    """Create the topics, by the broker's name, that are not there yet. Raises :class:`ServiceFailed`.

    Several may do so at once: whoever finds a topic created meanwhile is content.
    """
    from confluent_kafka import KafkaException  # noqa: PLC0415 - keeps `--help` quick
    from confluent_kafka.admin import AdminClient  # noqa: PLC0415
    from confluent_kafka.cimpl import NewTopic  # noqa: PLC0415 - where it is defined

    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    try:
        present = admin.list_topics(timeout=_ADMIN_TIMEOUT_S).topics
        wanted = [
            NewTopic(name, num_partitions=topic.partitions, replication_factor=1, config=TOPIC_CONFIG)
            for name, topic in topics.items()
            if name not in present
        ]
        for created in (admin.create_topics(wanted) if wanted else {}).values():
            _await_created(created)
    except KafkaException as error:
        raise ServiceFailed(f"topics {', '.join(topics)} cannot be created at {bootstrap}: {error.args[0]}") from None


def _await_created(created: "Future[None]") -> None:
    from confluent_kafka import KafkaError, KafkaException  # noqa: PLC0415 - keeps `--help` quick

    try:
        created.result(_ADMIN_TIMEOUT_S)
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise


def _cluster_id() -> str:
    """A random cluster id as Kafka writes them; one that begins with a dash would read as an option."""
    while True:
        identity = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not identity.startswith("-"):
            return identity
