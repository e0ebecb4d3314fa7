"""What the broker says of a topic: its partitions and the identities that make its offsets mean what they meant."""

from dataclasses import dataclass

from confluent_kafka import TopicCollection
from confluent_kafka.admin import AdminClient

_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class TopicIdentity:
    """A topic on a broker. Offsets are comparable only within one topic id of one cluster."""

    name: str
    cluster_id: str
    topic_id: str
    partitions: tuple[int, ...]


def identify(bootstrap: str, names: list[str]) -> dict[str, TopicIdentity]:
    """Identities of topics, by name. Raises KafkaException when the broker or a topic is not there."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    cluster = admin.describe_cluster(request_timeout=_TIMEOUT_S).result(_TIMEOUT_S)
    described = admin.describe_topics(TopicCollection(names), request_timeout=_TIMEOUT_S)
    found = {name: future.result(_TIMEOUT_S) for name, future in described.items()}
    return {
        name: TopicIdentity(
            name=name,
            cluster_id=str(cluster.cluster_id),
            topic_id=str(topic.topic_id),
            partitions=tuple(sorted(p.id for p in topic.partitions)),
        )
        for name, topic in found.items()
    }
