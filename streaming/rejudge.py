"""Raw records judged again, as the clean query judges them: ``python -m streaming.rejudge TABLE FIRST_HOUR``.

An Arrow stream of raw records in, an Arrow stream of the clean table's rows out; nothing is written anywhere. Records
that are refused or repeat an earlier one are left out, as they were the first time. For auditors that must not share
code with what they audit, but must ask the same judge.
"""

import sys
from typing import BinaryIO

import polars as pl
import pyarrow as pa

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.render import arrow_schema
from cryptoviz.lake.tables import table_named
from cryptoviz.lake.topics import TOPICS
from streaming.spark.judges import JUDGES
from streaming.spark.novelty import Novelty
from streaming.spark.split import split_by_novelty, split_samples


def rejudge(records: pa.Table, *, table: str, first_hour: Hour) -> pa.Table:
    """Rows of a clean table that these raw records make, in order of partition and offset."""
    topic = next(topic for topic in TOPICS if topic.clean_table == table)
    schema = arrow_schema(table_named(table))
    ordered = records.sort_by([("partition", "ascending"), ("offset", "ascending")]).combine_chunks()
    judged = JUDGES[table](ordered, first_hour=first_hour)
    parts, _ = (split_samples if topic.is_sampled else split_by_novelty)(judged.rows, {}, judged.refusals)
    new: pl.DataFrame = parts[Novelty.NEW]
    return new.select(schema.names).to_arrow().cast(schema) if new.height else schema.empty_table()


def main(arguments: list[str], source: BinaryIO, sink: BinaryIO) -> int:
    """Judge a stream. Returns 0, or 2 for a wrong call."""
    if len(arguments) != 2 or arguments[0] not in JUDGES:
        sys.stderr.write(f"usage: python -m streaming.rejudge {'|'.join(JUDGES)} FIRST_HOUR < raw > clean\n")
        return 2
    records = pa.ipc.open_stream(source).read_all()
    rows = rejudge(records, table=arguments[0], first_hour=Hour.from_key(arguments[1]))
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], sys.stdin.buffer, sys.stdout.buffer))
