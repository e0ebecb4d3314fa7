"""Topics and the tables that Spark writes, as external assets: no code here makes them, the sensor reports them."""

import dagster as dg

from cryptoviz.lake.schema import Table, Type
from cryptoviz.lake.tables import DUPLICATES, QUARANTINE, table_named
from cryptoviz.lake.topics import TOPICS, Topic

_TYPES = {Type.TIMESTAMP: "timestamp[us, UTC]"}


def column_schema(table: Table) -> dg.TableSchema:
    """Columns of a table as Dagster shows them."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=c.name,
                type=_TYPES.get(c.type, c.type.value),
                description=c.doc,
                constraints=dg.TableColumnConstraints(nullable=c.nullable),
            )
            for c in table.columns
        ]
    )


def topic_key(topic: Topic) -> dg.AssetKey:
    """Asset key of a topic."""
    return dg.AssetKey(["kafka", topic.name])


def lake_assets(partitions: dg.PartitionsDefinition) -> list[dg.AssetSpec]:
    """Specs of every topic and every table written by Spark."""
    topics = [_topic(topic) for topic in TOPICS]
    raw = [_table(table_named(t.raw_table), [topic_key(t)], partitions) for t in TOPICS]
    clean = [_table(table_named(t.clean_table), [topic_key(t)], partitions) for t in TOPICS]
    sides = [_table(table, list(map(topic_key, TOPICS)), partitions) for table in (QUARANTINE, DUPLICATES)]
    return [*topics, *raw, *clean, *sides]


def _topic(topic: Topic) -> dg.AssetSpec:
    return dg.AssetSpec(
        key=topic_key(topic),
        description=f"{topic.doc} One record is the venue's own bytes; key venue:symbol.",
        group_name="lake",
        kinds={"kafka"},
        owners=["team:cryptoviz"],
    )


def _table(table: Table, deps: list[dg.AssetKey], partitions: dg.PartitionsDefinition) -> dg.AssetSpec:
    return dg.AssetSpec(
        key=table.name,
        description=f"{table.doc} Key: {', '.join(table.key)}. Hour of {table.time_column}.",
        deps=deps,
        group_name="lake",
        kinds={"spark", "delta", "s3"},
        owners=["team:cryptoviz"],
        partitions_def=partitions,
        metadata={"dagster/column_schema": column_schema(table)},
    )
