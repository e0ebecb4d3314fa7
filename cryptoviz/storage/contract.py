"""A table as it lies in the store, held against the contract before anything is written to it."""

from deltalake import DeltaTable, Field, Schema

from cryptoviz.lake.render import arrow_schema
from cryptoviz.lake.schema import Table


class ContractBroken(RuntimeError):
    """A stored table has other columns than the contract, and none can be added without making up values."""


def contract_schema(table: Table) -> Schema:
    """The table's columns, partition columns last, as Delta declares them."""
    return Schema.from_arrow(arrow_schema(table, partitions=True))


def follow_contract(delta: DeltaTable, table: Table) -> None:
    """Add columns that the stored table lacks and that may be null; earlier rows have null there.

    Raises :class:`ContractBroken` for every other difference.
    """
    stored = {field.name: field for field in delta.schema().fields}
    wanted = {field.name: field for field in contract_schema(table).fields}
    lacking = [field for name, field in wanted.items() if name not in stored]
    broken = [f"lacks {field.name}" for field in lacking if not field.nullable]
    broken += [f"has {name}, which is unknown" for name in stored if name not in wanted]
    broken += [_other_type(stored[name], field) for name, field in wanted.items()
               if name in stored and stored[name].type != field.type]  # fmt: skip
    if broken:
        raise ContractBroken(
            f"table {table.name} at {delta.table_uri} was written under another contract: it {', '.join(broken)}; "
            f"start a new lake (another --store or CRYPTOVIZ_HOME), or run the version that wrote it"
        )
    if lacking:
        delta.alter.add_columns(lacking)
        delta.update_incremental()


def _other_type(stored: Field, wanted: Field) -> str:
    return f"has {stored.name} as {stored.type}, not {wanted.type}"
