"""The stream's own judge, asked in a process of its own: raw records in, rows of the clean table out.

The two packages share no code but the contract; what passes between them is an Arrow stream.
"""

import subprocess
import sys

import polars as pl
import pyarrow as pa

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.render import arrow_schema
from cryptoviz.lake.schema import Table

_JUDGE = (sys.executable, "-m", "streaming.rejudge")
_TIMEOUT_S = 600


class JudgeFailed(RuntimeError):
    """The judge's process failed; the message carries the end of what it said."""


def rejudge(table: Table, raw_table: Table, raw: pl.DataFrame, *, first_hour: Hour) -> pl.DataFrame:
    """Rows of a clean table that these raw records make. Raises :class:`JudgeFailed`."""
    records = raw.select(raw_table.column_names).to_arrow().cast(arrow_schema(raw_table))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, records.schema) as writer:
        writer.write_table(records)
    done = subprocess.run(
        [*_JUDGE, table.name, first_hour.key],
        input=memoryview(sink.getvalue()),
        capture_output=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        raise JudgeFailed(f"{' '.join(_JUDGE[1:])} {table.name}: {done.stderr.decode(errors='replace')[-1500:]}")
    frame = pl.from_arrow(pa.ipc.open_stream(done.stdout).read_all())
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 - from_arrow of a table is a frame
    return frame
