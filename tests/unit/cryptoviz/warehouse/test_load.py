from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import polars as pl
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cryptoviz.storage.partition_files import PartitionState
from cryptoviz.warehouse.load import Outcome, as_csv, load_partition, loaded_partitions
from cryptoviz.warehouse.publications import BY_NAME
from cryptoviz.warehouse.server import Role

CLOSES = 'SELECT DISTINCT "close" FROM crypto.ohlc_1m WHERE window_start >= %s AND window_start < %s'


def test_a_partition_is_loaded_with_the_digest_of_its_files(hour, minutes, load, ask, postgres):
    assert load(hour, minutes(hour, close=Decimal("1.000000000000000001")), version=4) is Outcome.LOADED
    assert ask(CLOSES, hour.start, hour.end) == [(Decimal("1.000000000000000001"),)]
    with postgres.connect() as connection:
        assert loaded_partitions(connection)["ohlc_1m"][hour.key].digest == "d4"


def test_the_same_files_again_change_nothing(hour, minutes, load, ask):
    load(hour, minutes(hour), version=4)
    before = ask("SELECT xmin::text, window_start FROM crypto.ohlc_1m WHERE window_start >= %s", hour.start)
    assert load(hour, minutes(hour), version=5, digest="d4") is Outcome.UNCHANGED
    assert ask("SELECT xmin::text, window_start FROM crypto.ohlc_1m WHERE window_start >= %s", hour.start) == before


def test_a_newer_version_replaces_the_whole_hour_and_no_other(hour, minutes, load, ask):
    load(hour, minutes(hour, close=Decimal(1)), version=1)
    load(hour.next(24), minutes(hour.next(24), close=Decimal(7)), version=1)
    load(hour, minutes(hour, close=Decimal(2)).head(30), version=2)
    assert ask(CLOSES, hour.start, hour.end) == [(2,)]
    assert ask("SELECT count(*) FROM crypto.ohlc_1m WHERE window_start BETWEEN %s AND %s", hour.start, hour.end) == [
        (30,)
    ]
    assert ask(CLOSES, hour.next(24).start, hour.next(24).end) == [(7,)]


def test_a_loader_that_read_an_older_lake_is_refused(hour, minutes, load, ask):
    load(hour, minutes(hour, close=Decimal(2)), version=2)
    assert load(hour, minutes(hour, close=Decimal(1)), version=1) is Outcome.SUPERSEDED
    assert ask(CLOSES, hour.start, hour.end) == [(2,)]


def test_of_loaders_that_meet_over_an_hour_the_newest_lake_wins_and_nobody_waits_for_ever(hour, minutes, load, ask):
    versions = [3, 1, 4, 2, 6, 5, 8, 7] * 2
    with ThreadPoolExecutor(max_workers=8) as pool:
        jobs = [pool.submit(load, hour, minutes(hour, close=Decimal(v)), version=v) for v in versions]
        outcomes = [job.result(timeout=60) for job in jobs]
    assert Outcome.LOADED in outcomes
    assert ask(CLOSES, hour.start, hour.end) == [(8,)]
    assert ask("SELECT count(*) FROM crypto.ohlc_1m WHERE window_start >= %s AND window_start < %s",
               hour.start, hour.end) == [(60,)]  # fmt: skip


def test_a_lake_begun_anew_replaces_what_the_old_one_left(hour, minutes, load, ask):
    load(hour, minutes(hour, close=Decimal(2)), version=90)
    assert load(hour, minutes(hour, close=Decimal(1)), version=1, table_id="another") is Outcome.LOADED
    assert ask(CLOSES, hour.start, hour.end) == [(1,)]


def test_a_partition_without_files_is_removed_with_its_facts(hour, minutes, load, ask, postgres):
    load(hour, minutes(hour), version=1)
    with postgres.connect(Role.LOADER) as connection:
        state = PartitionState(table_id="t", lake_version=2, digest="")
        load_partition(connection, BY_NAME["ohlc_1m"], hour, state, minutes(hour).clear())
        assert hour.key not in loaded_partitions(connection)["ohlc_1m"]
    assert ask(CLOSES, hour.start, hour.end) == []
    facts = "SELECT count(*) FROM crypto_bi.fact_ohlc_1m WHERE time_utc BETWEEN %s AND %s"
    assert ask(facts, hour.start.replace(tzinfo=None), hour.end.replace(tzinfo=None)) == [(0,)]


def test_facts_are_swapped_in_the_same_transaction(hour, minutes, load, ask):
    load(hour, minutes(hour, close=Decimal("2.5")), version=1)
    start, end = (t.replace(tzinfo=None) for t in (hour.start, hour.end - timedelta(minutes=1)))
    facts = ask(
        "SELECT time_utc, date_utc, venue, symbol, close FROM crypto_bi.fact_ohlc_1m "
        "WHERE time_utc BETWEEN %s AND %s ORDER BY time_utc",
        start,
        end,
    )
    assert facts[0] == (start, start.date(), "binance", "BTC-USDT", Decimal("2.5"))
    assert len(facts) == 60
    assert ask("SELECT hour, minute FROM crypto_bi.dim_time WHERE time_utc = %s", end) == [(end.hour, 59)]
    assert ask("SELECT base, quote FROM crypto_bi.dim_symbol WHERE symbol = 'BTC-USDT'") == [("BTC", "USDT")]


def test_a_load_that_fails_leaves_the_old_rows(hour, minutes, load, ask):
    load(hour, minutes(hour, close=Decimal(1)), version=1)
    twice = pl.concat([minutes(hour, close=Decimal(2))] * 2)
    with pytest.raises(psycopg.errors.UniqueViolation):
        load(hour, twice, version=2)
    assert ask(CLOSES, hour.start, hour.end) == [(1,)]


VALUES = st.lists(
    st.tuples(
        st.none() | st.text(),
        st.none() | st.binary(),
        st.none() | st.decimals(-(10**19), 10**19, places=18),
        st.none() | st.datetimes(allow_imaginary=False).filter(lambda t: t.year >= 1),
        st.none() | st.floats(allow_nan=False),
        st.none() | st.booleans(),
    ),
    max_size=20,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=VALUES)
def test_every_value_comes_back_as_it_was(postgres, rows):
    schema = {
        "text": pl.String, "bytes": pl.Binary, "amount": pl.Decimal(38, 18),
        "time": pl.Datetime("us", "UTC"), "real": pl.Float64, "truth": pl.Boolean,
    }  # fmt: skip
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    with postgres.connect(Role.LOADER) as connection, connection.transaction():
        connection.execute(
            "CREATE TEMPORARY TABLE given (text text, bytes bytea, amount numeric(38,18), "
            "time timestamptz, real double precision, truth boolean) ON COMMIT DROP"
        )
        with connection.cursor().copy("COPY given FROM STDIN (FORMAT csv, NULL '\\N')") as stream:
            stream.write(as_csv(frame))
        found = connection.execute("SELECT * FROM given").fetchall()
    clean = frame.with_columns(pl.col("text").str.replace_all("\0", "\ufffd", literal=True))
    assert found == clean.rows()
