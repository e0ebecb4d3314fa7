"""`crypto_bi`, the star schema: dimensions and facts with keys, in types that every ODBC client can fold.

Power BI sends its filters and groupings to the server only for types it knows: times are UTC without a zone (a
`timestamp with time zone` is not folded), numbers have at most 28 digits, and there are no arrays, JSON or bytes.
Relationships need a single column on each side, so facts carry natural keys: venue, symbol, time and date.
"""

from collections.abc import Sequence

from cryptoviz.lake.schema import Column, Type
from cryptoviz.warehouse.ddl import SCHEMA, Relation, comments, literal, qualified, quoted
from cryptoviz.warehouse.publications import Publication

STAR = "crypto_bi"

_TYPES: dict[Type, str] = {
    Type.STRING: "varchar(200)",
    Type.INT32: "integer",
    Type.INT64: "bigint",
    Type.BOOL: "boolean",
    Type.FLOAT64: "double precision",
    Type.DECIMAL: "numeric(28,12)",
    Type.TIMESTAMP: "timestamp(6) without time zone",
}
_DIMENSIONS = {
    "dim_venue": (
        "Where trades happen.",
        {"venue": ("varchar(40) PRIMARY KEY", "Name of the venue")},
    ),
    "dim_symbol": (
        "What is traded, and what it is paid in.",
        {
            "symbol": ("varchar(41) PRIMARY KEY", "Canonical symbol, BTC-USDT"),
            "base": ("varchar(20) NOT NULL", "What is traded"),
            "quote": ("varchar(20) NOT NULL", "What it is paid in"),
        },
    ),
    "dim_date": (
        "UTC days that have facts.",
        {
            "date_utc": ("date PRIMARY KEY", "The day"),
            "year": ("integer NOT NULL", "Calendar year"),
            "quarter": ("integer NOT NULL", "1 to 4"),
            "month": ("integer NOT NULL", "1 to 12"),
            "day": ("integer NOT NULL", "Day of the month"),
            "iso_week": ("integer NOT NULL", "ISO week, 1 to 53"),
            "iso_weekday": ("integer NOT NULL", "1 Monday to 7 Sunday"),
        },
    ),
    "dim_time": (
        "Instants that have facts, UTC.",
        {
            "time_utc": ("timestamp(6) without time zone PRIMARY KEY", "The instant"),
            "date_utc": (f"date NOT NULL REFERENCES {qualified(STAR, 'dim_date')}", "Its day"),
            "hour": ("integer NOT NULL", "0 to 23"),
            "minute": ("integer NOT NULL", "0 to 59"),
        },
    ),
}


def dimensions() -> list[Relation]:
    """The dimension tables, those that others refer to first."""
    return [_dimension(name, doc, columns) for name, (doc, columns) in _DIMENSIONS.items()]


def fact_table(publication: Publication) -> Relation:
    """The fact table of a publication with measures."""
    table, name = publication.table, qualified(STAR, publication.fact)
    columns = [f"{quoted(c.name)} {_TYPES[c.type]}{'' if c.nullable else ' NOT NULL'}" for c in _columns(publication)]
    references = {"time_utc": "dim_time", "date_utc": "dim_date"} | _market_dimensions(publication)
    keys = ["time_utc" if part == table.time_column else part for part in publication.key]
    constraints = [
        f"PRIMARY KEY ({', '.join(map(quoted, keys))})",
        *(f"FOREIGN KEY ({column}) REFERENCES {qualified(STAR, to)}" for column, to in references.items()),
    ]
    times = ["time_utc timestamp(6) without time zone NOT NULL", "date_utc date NOT NULL"]
    body = ",\n  ".join([*times, *columns, *constraints])
    return Relation(
        schema=STAR,
        name=publication.fact,
        kind="TABLE",
        statements=(
            f"CREATE TABLE {name} (\n  {body}\n)",
            f"CREATE INDEX ON {name} (time_utc)",
            *comments("TABLE", name, f"{table.doc} Times are UTC.", _columns(publication)),
        ),
        of=publication.name,
        stands_on=tuple(statement for relation in dimensions() for statement in relation.statements),
    )


def refill(publication: Publication) -> list[str]:
    """Statements that make the facts of one partition those of its published rows, inside the transaction of a load.

    Parameters ``start`` and ``end`` bound the partition.
    """
    time, source = quoted(publication.table.time_column), qualified(SCHEMA, publication.name)
    inside = f"{time} >= %(start)s AND {time} < %(end)s"
    utc = f"({time} AT TIME ZONE 'UTC')"
    columns = [quoted(c.name) for c in _columns(publication)]
    values = [f"{quoted(c.name)}{_cast(c)}" for c in _columns(publication)]
    fact = qualified(STAR, publication.fact)
    start, end = "(%(start)s AT TIME ZONE 'UTC')", "(%(end)s AT TIME ZONE 'UTC')"
    return [
        f"DELETE FROM {fact} WHERE time_utc >= {start} AND time_utc < {end}",
        *_new_members(publication, source, inside, utc),
        f"""INSERT INTO {fact} (time_utc, date_utc, {", ".join(columns)})
SELECT {utc}, {utc}::date, {", ".join(values)} FROM {source} WHERE {inside}""",
    ]


def _new_members(publication: Publication, source: str, inside: str, utc: str) -> list[str]:
    """Statements that add what the dimensions lack. Sorted, so that two loads never wait for each other in a circle."""
    parts = {
        "dim_date": (f"{utc}::date AS d", _DATE_PARTS),
        "dim_time": (f"{utc} AS t", _TIME_PARTS),
        "dim_venue": ("venue AS v", "v"),
        "dim_symbol": ("symbol AS s", "s, split_part(s, '-', 1), split_part(s, '-', 2)"),
    }
    wanted = {"dim_date", "dim_time", *_market_dimensions(publication).values()}
    return [
        f"INSERT INTO {qualified(STAR, name)} SELECT {values} FROM "
        f"(SELECT DISTINCT {found} FROM {source} WHERE {inside}) AS found ORDER BY 1 ON CONFLICT DO NOTHING"
        for name, (found, values) in parts.items()
        if name in wanted
    ]


_DATE_PARTS = "d, " + ", ".join(
    f"extract({part} FROM d)::integer" for part in ("year", "quarter", "month", "day", "week", "isodow")
)
_TIME_PARTS = "t, t::date, extract(hour FROM t)::integer, extract(minute FROM t)::integer"


def _columns(publication: Publication) -> list[Column]:
    """Key columns and measures, without the time."""
    table = publication.table
    wanted = {*publication.key, *publication.measures} - {table.time_column}
    return [c for c in table.columns if c.name in wanted]


def _market_dimensions(publication: Publication) -> dict[str, str]:
    names = publication.table.column_names
    return {column: f"dim_{column}" for column in ("venue", "symbol") if column in names}


def _cast(column: Column) -> str:
    return " AT TIME ZONE 'UTC'" if column.type is Type.TIMESTAMP else f"::{_TYPES[column.type]}"


def _dimension(name: str, doc: str, columns: dict[str, tuple[str, str]]) -> Relation:
    relation = qualified(STAR, name)
    body = ",\n  ".join(f"{quoted(column)} {definition}" for column, (definition, _) in columns.items())
    notes: Sequence[str] = [
        f"COMMENT ON COLUMN {relation}.{quoted(column)} IS {literal(text)}" for column, (_, text) in columns.items()
    ]
    create = f"CREATE TABLE {relation} (\n  {body}\n)"
    return Relation(
        schema=STAR,
        name=name,
        kind="TABLE",
        statements=(create, f"COMMENT ON TABLE {relation} IS {literal(doc)}", *notes),
    )
