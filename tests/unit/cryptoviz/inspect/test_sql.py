from decimal import Decimal

import duckdb
import pytest

from cryptoviz.inspect.sql import NotAQuery, run_query
from cryptoviz.lake.candle_tables import OHLC_1M
from cryptoviz.storage.frames import TableNotWritten, replace_partition

FINE = "0.123456789012345678"


@pytest.fixture
def filled(lake, hour, make_candles):
    replace_partition(OHLC_1M, lake, hour, make_candles(hour, "7", "8"), {})
    replace_partition(OHLC_1M, lake, hour, make_candles(hour, FINE, "0.000000000000000001"), {})
    replace_partition(OHLC_1M, lake, hour.next(), make_candles(hour.next(), "10000000000000000000"), {})
    return lake


def test_a_replaced_hour_is_counted_once(filled):
    assert run_query(filled, "select count(*) as n from ohlc_1m")["n"].to_list() == [3]


def test_decimals_stay_exact_in_sums_and_comparisons(filled):
    total = run_query(filled, "select sum(close) as s from ohlc_1m")["s"][0]
    assert total == Decimal("10000000000000000000.123456789012345679")
    query = "select count(*) as n from ohlc_1m where close {} '{}'::decimal(38,18)"
    for operator, value, rows in (("=", FINE, 1), (">=", FINE, 2), (">", FINE, 1), ("<=", FINE, 2), ("<", "2e-18", 1)):
        assert run_query(filled, query.format(operator, value))["n"].to_list() == [rows], (operator, value)


def test_hours_are_pruned_by_their_directories_and_times_are_utc(filled):
    rows = run_query(filled, "select hour, min(window_start)::varchar as first from ohlc_1m group by all order by all")
    assert rows.rows() == [("03", "2026-01-02 03:00:00+00"), ("04", "2026-01-02 04:00:00+00")]
    assert run_query(filled, "select close from ohlc_1m where hour = '04'").height == 1


def test_a_table_nobody_wrote_is_named_and_the_name_of_a_column_is_no_table(filled):
    with pytest.raises(TableNotWritten, match="ohlc_1h"):
        run_query(filled, "select * from ohlc_1h")
    assert run_query(filled, "select count(*) as trades from ohlc_1m")["trades"].to_list() == [3]


def test_tables_are_joined_by_the_names_of_their_columns(filled):
    query = "select a.close from ohlc_1m a join ohlc_1m b using (venue, symbol, window_start)"
    assert run_query(filled, query).height == 3


def test_the_tables_that_exist_can_be_shown_and_described(filled):
    assert run_query(filled, "show tables")["name"].to_list() == ["ohlc_1m"]
    described = run_query(filled, "describe ohlc_1m")
    assert dict(described.select("column_name", "column_type").iter_rows())["close"] == "DECIMAL(38,18)"


@pytest.mark.parametrize(
    "query",
    [
        "drop table ohlc_1m",
        "create table x as select 1",
        "copy (select 1) to 'x.csv'",
        "set threads = 1",
        "attach 'x.db'",
        "select 1; select 2",
        "",
    ],
)
def test_what_does_not_only_read_is_refused(filled, query):
    with pytest.raises(NotAQuery, match="read-only"):
        run_query(filled, query)


def test_files_outside_the_lake_cannot_be_read(filled, tmp_path):
    path = tmp_path / "secret.csv"
    path.write_text("a\n1\n")
    with pytest.raises(duckdb.PermissionException):
        run_query(filled, f"from read_csv('{path}')")


def test_a_query_that_makes_no_sense_is_an_error_of_duckdb(filled):
    with pytest.raises(duckdb.Error, match="syntax"):
        run_query(filled, "selec 1")
