from cryptoviz.lake.schema import MARKET, WINDOW, Column, Owner, Table, Type
from cryptoviz.lake.tables import TABLES, TRADES
from cryptoviz.warehouse.publications import PUBLICATIONS, Publication, all_measures


def a_table(owner: Owner, *key: str) -> Table:
    columns = (*MARKET, *WINDOW, Column("value", Type.FLOAT64, "A number"), Column("raw", Type.BINARY, "Bytes"))
    return Table(name="t", doc="A table.", columns=columns, key=key, time_column="window_start", owner=owner)


def test_only_tables_of_the_contract_are_published():
    assert {p.table for p in PUBLICATIONS} <= set(TABLES)


def test_a_table_keyed_within_its_partitions_gets_the_time_into_its_key():
    assert Publication(table=a_table(Owner.DAGSTER, "venue")).key == ("venue", "window_start")
    assert Publication(table=a_table(Owner.DAGSTER, "window_start", "venue")).key == ("window_start", "venue")
    assert Publication(table=TRADES).key == TRADES.key


def test_measures_are_what_is_neither_key_nor_time_nor_bytes():
    assert all_measures(a_table(Owner.DAGSTER, "venue")) == ("symbol", "value")
