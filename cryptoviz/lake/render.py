"""Tables rendered for others: an Arrow schema, a Spark schema in DDL, a page of documentation."""

from collections.abc import Iterable

import pyarrow as pa

from cryptoviz.lake.schema import DECIMAL_PRECISION, DECIMAL_SCALE, Table, Type

_ARROW: dict[Type, pa.DataType] = {
    Type.STRING: pa.string(),
    Type.BINARY: pa.binary(),
    Type.INT32: pa.int32(),
    Type.INT64: pa.int64(),
    Type.BOOL: pa.bool_(),
    Type.FLOAT64: pa.float64(),
    Type.DECIMAL: pa.decimal128(DECIMAL_PRECISION, DECIMAL_SCALE),
    Type.TIMESTAMP: pa.timestamp("us", "UTC"),
}
_SPARK: dict[Type, str] = {
    Type.STRING: "STRING",
    Type.BINARY: "BINARY",
    Type.INT32: "INT",
    Type.INT64: "BIGINT",
    Type.BOOL: "BOOLEAN",
    Type.FLOAT64: "DOUBLE",
    Type.DECIMAL: f"DECIMAL({DECIMAL_PRECISION},{DECIMAL_SCALE})",
    Type.TIMESTAMP: "TIMESTAMP",
}


def arrow_schema(table: Table, *, partitions: bool = False) -> pa.Schema:
    """Arrow schema of the data columns; with ``partitions`` followed by the partition columns (text)."""
    fields = [pa.field(c.name, _ARROW[c.type], nullable=c.nullable) for c in table.columns]
    if partitions:
        fields += [pa.field(name, pa.string()) for name in table.partition_columns]
    return pa.schema(fields)


def spark_ddl(table: Table) -> str:
    """Spark schema of the data columns as a DDL string."""
    return ", ".join(
        f"`{c.name}` {_SPARK[c.type]}{'' if c.nullable else ' NOT NULL'} COMMENT {_sql_text(c.doc)}"
        for c in table.columns
    )


def _sql_text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def markdown(tables: Iterable[Table]) -> str:
    """The reference page of the tables."""
    lines = [
        "# Tables of the lake",
        "",
        "Rendered from `cryptoviz.lake.tables` by `cryptoviz docs tables`; do not edit by hand.",
        "Every table lies in directories `year=2026/month=11/day=20/hour=08` (UTC) of its time column, a daily one in",
        "`year=2026/month=11/day=20`; these are columns too. Times are UTC in microseconds; decimals have 38 digits,",
        "18 of them after the point.",
        "",
    ]
    for table in tables:
        lines += [
            f"## `{table.name}`",
            "",
            table.doc,
            "",
            (
                f"Key: {', '.join(f'`{k}`' for k in table.key)}. "
                f"{table.partition_columns[-1].capitalize()} of: `{table.time_column}`. "
                f"Written only by: `{table.owner}`."
            ),
            "",
            "| column | type | null | meaning |",
            "|---|---|---|---|",
            *(f"| `{c.name}` | {c.type} | {'yes' if c.nullable else 'no'} | {c.doc} |" for c in table.columns),
            "",
        ]
    return "\n".join(lines)
