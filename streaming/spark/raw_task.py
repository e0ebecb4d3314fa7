"""The raw query's task: records as they came, to files of the topic's raw table."""

from collections.abc import Callable, Iterable, Iterator, Mapping

import pyarrow as pa

from cryptoviz.lake.locations import Location
from cryptoviz.lake.schema import Table
from cryptoviz.storage.objects import Objects
from streaming.spark.parquet import write_hours
from streaming.spark.records import Floors, by_topic
from streaming.spark.report import TopicReport, encode, offset_ranges, oldest_us

Task = Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]


def raw_task(*, tables: Mapping[str, Table], location: Location, floors: Floors) -> Task:
    """A task over Arrow batches. ``tables`` maps a topic's name on the broker to its raw table."""

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        objects = Objects(location)
        reports = [
            TopicReport(
                topic=topic,
                ranges=offset_ranges(records, topic),
                files=write_hours(tables[topic], records, objects),
                oldest_us=oldest_us(records),
            )
            for topic, records in by_topic(batches, floors)
        ]
        if reports:
            yield encode(reports)

    return run
