"""The lake's tables in Spark SQL: a data source that reads exactly the live files of each table's Delta log.

It needs no connector: files come through the same object client as everywhere else, from a directory, MinIO or S3,
in as many tasks as there are files. Globbing a table's folder instead would count replaced files again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pyspark.sql import SparkSession
from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition
from pyspark.sql.types import StructType

from cryptoviz.lake.days import Day
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.locations import Location
from cryptoviz.lake.render import spark_ddl
from cryptoviz.lake.schema import Table
from cryptoviz.lake.tables import BY_NAME
from cryptoviz.storage.frames import TableNotWritten
from cryptoviz.storage.objects import Objects
from cryptoviz.storage.partition_files import live_files, read_live_file

FORMAT = "cryptoviz"


@dataclass
class LiveFile(InputPartition):
    """One file of a table's snapshot; a task reads it whole. ``path`` is relative to the root of the lake."""

    path: str


class LakeReader(DataSourceReader):
    """Reads one table as it was when the frame was made."""

    def __init__(self, table: Table, location: Location, files: list[str]) -> None:
        self._table, self._location, self._files = table, location, files

    def partitions(self) -> list[InputPartition]:
        """A task for each file."""
        return [LiveFile(path) for path in self._files]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        """The rows of one file. Raises LakeFileGone."""
        assert isinstance(partition, LiveFile)  # noqa: S101 - what `partitions` made
        yield from read_live_file(self._table, Objects(self._location), partition.path).to_batches()


def register_lake(
    spark: SparkSession, location: Location, *, first: Hour | None = None, last: Hour | None = None
) -> list[str]:
    """Make every written table a temporary view of its own name and return the names.

    ``first`` and ``last`` bound the partitions that are read, both included; the session must run in UTC to show
    times as they are.
    """
    found = {}
    for name, table in BY_NAME.items():
        try:
            found[name] = _inside(table, live_files(table, location), first, last)
        except TableNotWritten:
            continue
    spark.dataSource.register(_source(location, found))
    for name in found:
        spark.read.format(FORMAT).option("table", name).load().createOrReplaceTempView(name)
    return list(found)


def _inside(table: Table, files: Iterable[tuple[Hour | Day, str]], first: Hour | None, last: Hour | None) -> list[str]:
    return [
        f"{table.name}/{path}"
        for span, path in files
        if (first is None or span.end > first.start) and (last is None or span.start < last.end)
    ]


def _source(location: Location, files: dict[str, list[str]]) -> type[DataSource]:
    """The data source of one lake; it carries its keys itself, so that no plan or page shows them as options."""

    class LakeSource(DataSource):
        """Tables of the lake by name."""

        @classmethod
        def name(cls) -> str:
            """What ``spark.read.format`` is given."""
            return FORMAT

        def schema(self) -> StructType | str:
            """Columns of the contract."""
            return spark_ddl(BY_NAME[self.options["table"]])

        def reader(self, schema: Any) -> DataSourceReader:  # noqa: ARG002 - the contract's is the one
            """Reads the table."""
            name = self.options["table"]
            return LakeReader(BY_NAME[name], location, files[name])

    return LakeSource
