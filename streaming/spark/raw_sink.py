"""The driver's half of the raw query: floors for the tasks, one commit a topic with its ledger entry."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cryptoviz.crash import crash_point
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.ledger import CommitEntry, DataFile, HourVersion, OffsetRange
from cryptoviz.lake.locations import Location
from cryptoviz.lake.schema import Table
from cryptoviz.storage.delta import LakeTable
from cryptoviz.storage.frames import read_partition, version_of
from cryptoviz.storage.hour_index import HourIndex, utc_now
from cryptoviz.storage.objects import Objects
from streaming.spark.report import TopicReport
from streaming.spark.topics import TopicIdentity


class OffsetsMissing(RuntimeError):
    """Kafka no longer has records that the lake has not read: they expired or the topic was truncated."""


class TopicRecreated(RuntimeError):
    """The topic's identity is not the one the table was written from."""


@dataclass(frozen=True, slots=True)
class Committed:
    """What one commit brought."""

    table: str
    rows: int
    files: int
    refused: int
    repeated: int
    oldest_us: int


class HourVersions:
    """Versions of a table's hours, carried on from commit to commit; a cold hour is read from index or data."""

    def __init__(self, table: LakeTable, location: Location, index: HourIndex) -> None:
        self._table, self._location, self._index = table, location, index
        self._known: dict[Hour, HourVersion] = {}

    def after(self, files: Iterable[DataFile]) -> dict[Hour, HourVersion]:
        """Versions of the touched hours once these files are in."""
        versions: dict[Hour, HourVersion] = {}
        for file in files:
            before = versions.get(file.hour) or self._current(file.hour)
            versions[file.hour] = before.plus(HourVersion(file.rows, file.hash_sum))
        return versions

    def commit(self, versions: Mapping[Hour, HourVersion]) -> None:
        """Take versions as committed and publish them."""
        self._known.update(versions)
        self._index.publish(versions, now=utc_now())

    def _current(self, hour: Hour) -> HourVersion:
        if hour not in self._known:
            indexed = self._index.version(hour)
            if indexed is None and self._table.has_files(hour):
                indexed = version_of(read_partition(self._table.table, self._location, hour))
            self._known[hour] = indexed or HourVersion()
        return self._known[hour]


class RawSink:
    """Commits records to one raw table, each offset once. The table has one writer, however many topics it is fed by.

    ``guarded=False`` ignores what the table already holds; it exists so that a test can show what the guard is for.
    """

    def __init__(
        self, table: Table, topics: Sequence[TopicIdentity], location: Location, *, guarded: bool = True
    ) -> None:
        self.topics, self.guarded = {topic.name: topic for topic in topics}, guarded
        self._topic_ids = {topic.name: topic.topic_id for topic in topics}
        self.table = LakeTable(table, location)
        self.objects = Objects(location)
        self.hours = HourVersions(self.table, location, HourIndex(self.objects, table.name))
        self.epoch = self.table.claim()
        last = self.table.last_entry()
        if last is not None:
            self._check_identities(last)
            self._topic_ids = _topic_ids_of(last) | self._topic_ids
            self.hours.commit({Hour.from_key(key): version for key, version in last.hours.items()})

    def next_offsets(self, topic: str) -> dict[int, int]:
        """First offset of a topic not yet in the table, by partition; unknown when unguarded."""
        if not self.guarded:
            return {}
        return self.table.next_offsets(topic, self.topics[topic].partitions)

    def commit(self, reports: list[TopicReport]) -> Committed | None:
        """Commit the files of tasks over one topic; None when a replay brought nothing new."""
        ranges = self.checked_ranges(reports)
        if not ranges:
            return None
        files = [file for report in reports for file in report.files]
        versions = self.hours.after(files)
        crash_point("raw.before_commit")
        self.table.append(files, self.entry(ranges, files, versions, reports, state=""))
        crash_point("raw.after_commit")
        self.hours.commit(versions)
        return Committed(
            table=self.table.table.name,
            rows=sum(file.rows for file in files),
            files=len(files),
            refused=0,
            repeated=0,
            oldest_us=min(report.oldest_us for report in reports),
        )

    def checked_ranges(self, reports: list[TopicReport]) -> list[OffsetRange]:
        """The batch's ranges, proved to follow the table's own end without a hole. Raises OffsetsMissing."""
        ranges = sorted((r for report in reports for r in report.ranges), key=lambda r: r.partition)
        if not self.guarded:
            return ranges
        for found in ranges:
            expected = self.next_offsets(found.topic)
            start = expected.get(found.partition, found.start)
            if found.start != start or found.rows != found.end - found.start:
                raise OffsetsMissing(
                    f"{found.topic}-{found.partition}: table {self.table.table.name} ends at {start}, the batch holds "
                    f"{found.rows} records of [{found.start}, {found.end}); records are gone from Kafka"
                )
        return ranges

    def entry(
        self,
        ranges: list[OffsetRange],
        files: list[DataFile],
        versions: Mapping[Hour, HourVersion],
        reports: list[TopicReport],
        *,
        state: str,
    ) -> CommitEntry:
        """What the commit will say of itself."""
        topic = self.topics[ranges[0].topic]
        return CommitEntry(
            table=self.table.table.name,
            commit_id=uuid.uuid4().hex,
            epoch=self.epoch,
            cluster_id=topic.cluster_id,
            topic_id=topic.topic_id,
            ranges=ranges,
            rows=sum(file.rows for file in files),
            hours={hour.key: version for hour, version in versions.items()},
            refused=sum(report.refused for report in reports),
            repeated=sum(report.repeated for report in reports),
            state=state,
            valid_through=utc_now().isoformat(),
            topic_ids=self._topic_ids,
        )

    def _check_identities(self, last: CommitEntry) -> None:
        for topic in self.topics.values() if self.guarded else ():
            known = _topic_ids_of(last).get(topic.name, topic.topic_id)
            if (last.cluster_id, known) != (topic.cluster_id, topic.topic_id):
                raise TopicRecreated(
                    f"table {last.table} was written from topic {topic.name} {known} of cluster {last.cluster_id}; the "
                    f"broker has {topic.topic_id} of {topic.cluster_id} now. Offsets mean other records: point "
                    "CRYPTOVIZ_KAFKA_BOOTSTRAP at the old broker, or start a new lake"
                )


def _topic_ids_of(entry: CommitEntry) -> dict[str, str]:
    """Ids of the topics a table was written from; an entry of a table with one topic may name that one only."""
    return {offsets.topic: entry.topic_id for offsets in entry.ranges} | entry.topic_ids
