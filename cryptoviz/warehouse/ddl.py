"""The one renderer of lake tables to PostgreSQL: types, keys, comments. Pure text; runs nothing."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from cryptoviz.lake.schema import DECIMAL_PRECISION, DECIMAL_SCALE, Column, Type
from cryptoviz.warehouse.publications import Publication

SCHEMA = "crypto"

_TYPES: dict[Type, str] = {
    Type.STRING: "text",
    Type.BINARY: "bytea",
    Type.INT32: "integer",
    Type.INT64: "bigint",
    Type.BOOL: "boolean",
    Type.FLOAT64: "double precision",
    Type.DECIMAL: f"numeric({DECIMAL_PRECISION},{DECIMAL_SCALE})",
    Type.TIMESTAMP: "timestamp(6) with time zone",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Relation:
    """A table or view as it should be.

    ``of`` is the publication whose partitions fill it: when it is made anew they are loaded again. ``stands_on`` adds
    to its digest what else it depends on.
    """

    schema: str
    name: str
    kind: Literal["TABLE", "VIEW"]
    statements: tuple[str, ...]
    of: str = ""
    stands_on: tuple[str, ...] = ()

    @property
    def identifier(self) -> str:
        """Quoted name with its schema."""
        return qualified(self.schema, self.name)

    @property
    def digest(self) -> str:
        """Changes whenever the relation has to be made anew."""
        return hashlib.sha256("\n".join([*self.statements, *self.stands_on]).encode()).hexdigest()


def published_table(publication: Publication) -> Relation:
    """The table of a publication: columns and key of the contract, an index on the time, comments."""
    table, name = publication.table, qualified(SCHEMA, publication.name)
    columns = [f"{quoted(c.name)} {_TYPES[c.type]}{'' if c.nullable else ' NOT NULL'}" for c in publication.published]
    key = ", ".join(map(quoted, publication.key))
    body = ",\n  ".join([*columns, f"PRIMARY KEY ({key})"])
    return Relation(
        schema=SCHEMA,
        name=publication.name,
        kind="TABLE",
        statements=(
            f"CREATE TABLE {name} (\n  {body}\n)",
            f"CREATE INDEX ON {name} ({quoted(table.time_column)})",
            *comments("TABLE", name, table.doc, publication.published),
        ),
        of=publication.name,
    )


def comments(kind: str, relation: str, doc: str, columns: Sequence[Column]) -> list[str]:
    """Comments of a relation and its columns."""
    return [
        f"COMMENT ON {kind} {relation} IS {literal(doc)}",
        *(f"COMMENT ON COLUMN {relation}.{quoted(c.name)} IS {literal(c.doc)}" for c in columns),
    ]


def qualified(schema: str, name: str) -> str:
    """A quoted name with its schema."""
    return f"{quoted(schema)}.{quoted(name)}"


def quoted(name: str) -> str:
    """A name as an identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as a constant."""
    return "'" + text.replace("'", "''") + "'"
