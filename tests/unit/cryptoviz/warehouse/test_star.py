"""The star schema as Power BI meets it: psqlODBC's catalogue, and the queries that its DirectQuery folds to."""

from datetime import timedelta
from decimal import Decimal

import pytest

from cryptoviz.warehouse.publications import PUBLICATIONS
from cryptoviz.warehouse.server import DATABASE, Role
from cryptoviz.warehouse.star import STAR

FACTS = {publication.fact for publication in PUBLICATIONS if publication.fact}
DIMENSIONS = {"dim_date", "dim_time", "dim_venue", "dim_symbol"}
FOLDABLE = {
    "character varying", "integer", "bigint", "boolean", "double precision", "numeric",
    "timestamp without time zone", "date",
}  # fmt: skip


@pytest.fixture(scope="module")
def odbc(postgres):
    """A connection as Power BI opens it."""
    pyodbc = pytest.importorskip("pyodbc", reason="no ODBC driver manager on this machine", exc_type=ImportError)
    driver = next((name for name in pyodbc.drivers() if "PostgreSQL" in name and "Unicode" in name), None)
    if driver is None:
        pytest.skip("psqlODBC is not installed (Debian, Ubuntu: apt-get install odbc-postgresql)")
    server = postgres.server
    password = "{" + server.passwords[Role.READER] + "}"
    connection = pyodbc.connect(
        f"Driver={{{driver}}};Server={server.host};Port={server.port};Database={DATABASE};"
        f"Uid={Role.READER};Pwd={password};SSLmode=prefer;UseDeclareFetch=1"
    )
    yield connection
    connection.close()


@pytest.fixture
def loaded(hour, minutes, load):
    load(hour, minutes(hour, close=Decimal("2.5"), volume=Decimal("0.125")), version=1)
    return hour


def test_no_column_has_a_type_that_odbc_cannot_fold(ask):
    found = ask(
        "SELECT table_name, column_name, data_type, numeric_precision FROM information_schema.columns "
        "WHERE table_schema = %s",
        STAR,
    )
    assert {table for table, *_ in found} == FACTS | DIMENSIONS
    assert {data_type for _, _, data_type, _ in found} <= FOLDABLE
    assert all(precision <= 28 for _, _, data_type, precision in found if data_type == "numeric")


def test_every_table_has_a_comment_and_every_column_of_the_copies_too(ask):
    silent = ask(
        "SELECT c.oid::regclass::text, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
        "WHERE c.relnamespace = 'crypto'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 "
        "AND col_description(c.oid, a.attnum) IS NULL"
    )
    assert silent == []
    assert (
        ask(
            "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relkind IN ('r', 'v') AND c.relnamespace IN "
            "('crypto'::regnamespace, 'crypto_bi'::regnamespace, 'crypto_load'::regnamespace) "
            "AND obj_description(c.oid) IS NULL"
        )
        == []
    )


def test_odbc_lists_the_tables(odbc):
    rows = odbc.cursor().tables(schema=STAR).fetchall()
    assert {row.table_name for row in rows if row.table_type == "TABLE"} == FACTS | DIMENSIONS


def test_odbc_sees_primary_keys(odbc):
    keys = [row.column_name for row in odbc.cursor().primaryKeys(table="fact_ohlc_1m", schema=STAR).fetchall()]
    assert keys == ["venue", "symbol", "time_utc"]
    keys = [row.column_name for row in odbc.cursor().primaryKeys(table="dim_time", schema=STAR).fetchall()]
    assert keys == ["time_utc"]


def test_odbc_sees_a_single_column_relationship_from_each_fact_to_each_dimension(odbc):
    for fact in FACTS:
        rows = odbc.cursor().foreignKeys(foreignTable=fact, foreignSchema=STAR).fetchall()
        found = {(row.pktable_name, row.pkcolumn_name, row.fkcolumn_name) for row in rows}
        assert found == {
            ("dim_date", "date_utc", "date_utc"),
            ("dim_time", "time_utc", "time_utc"),
            ("dim_venue", "venue", "venue"),
            ("dim_symbol", "symbol", "symbol"),
        }
        assert {row.key_seq for row in rows} == {1}


def test_odbc_sees_columns_with_types_that_power_query_knows(odbc):
    rows = odbc.cursor().columns(table="fact_ohlc_1m", schema=STAR).fetchall()
    types = {row.column_name: row.type_name for row in rows}
    assert types["time_utc"] == "timestamp"
    assert types["date_utc"] == "date"
    assert types["close"] == "numeric"
    assert types["trade_count"] == "int8"
    assert types["symbol"] == "varchar"
    assert {row.column_size for row in rows if row.column_name == "close"} == {28}


def test_a_preview_a_group_by_day_and_a_join_fold(odbc, loaded):
    preview = 'select top."time_utc", top."close" from "crypto_bi"."fact_ohlc_1m" as top limit 1000'
    assert odbc.execute(preview).fetchall()
    start, end = (t.strftime("%Y-%m-%d %H:%M:%S") for t in (loaded.start, loaded.end))
    folded = f"""
        select "rows"."base" as "base", "rows"."date_utc" as "date_utc",
               sum("rows"."volume") as "volume", count(*) as "candles"
        from (
            select "_"."date_utc", "_"."volume", "s"."base"
            from "crypto_bi"."fact_ohlc_1m" as "_"
            inner join "crypto_bi"."dim_symbol" as "s" on "s"."symbol" = "_"."symbol"
            where "_"."time_utc" >= {{ts '{start}'}} and "_"."time_utc" < {{ts '{end}'}} and "_"."status" = 'traded'
        ) as "rows"
        group by "rows"."base", "rows"."date_utc"
    """
    assert [tuple(row) for row in odbc.execute(folded)] == [("BTC", loaded.start.date(), Decimal("7.5"), 60)]


def test_a_parameter_of_the_slicer_is_bound_as_a_timestamp(odbc, loaded):
    last = (loaded.end - timedelta(minutes=1)).replace(tzinfo=None)
    found = odbc.execute("select close from crypto_bi.fact_ohlc_1m where time_utc = ?", last).fetchall()
    assert [tuple(row) for row in found] == [(Decimal("2.5"),)]


def test_power_bi_cannot_write(odbc):
    with pytest.raises(Exception, match=r"read-only transaction|permission denied"):
        odbc.execute("delete from crypto_bi.fact_ohlc_1m")
    odbc.rollback()
