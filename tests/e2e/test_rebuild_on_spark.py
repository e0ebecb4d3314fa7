"""Candles folded by real Spark and by Polars from the same trades: the same rows, to the last digit."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import dagster as dg
import polars as pl
import pytest

from cryptoviz.lake.candle_tables import OHLC_1H, OHLC_1M, Interval
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.ledger import CommitEntry, State, signed
from cryptoviz.lake.locations import Location
from cryptoviz.lake.tables import TRADES
from cryptoviz.storage.delta import LakeTable
from cryptoviz.storage.frames import append_rows, empty, read_partition, replace_partition
from cryptoviz.storage.objects import Objects
from cryptoviz_dagster.defs.maintenance.rebuild import minutes_by_spark, rebuild_job
from cryptoviz_dagster.hour_inputs import read_inputs
from cryptoviz_dagster.publishing import Part, publish
from cryptoviz_dagster.resources import Lake
from cryptoviz_dagster.transforms.candles import build_candles

pytestmark = [pytest.mark.stack, pytest.mark.filterwarnings("ignore::ResourceWarning")]

FIRST = Hour(datetime(2026, 11, 10, 5, tzinfo=UTC))
HOURS = (FIRST, FIRST.next(), FIRST.next(2))
MARKETS = ("BTC-USDT", "ETH-USDT", "PEPE-USDT")


@pytest.fixture
def lake(tmp_path):
    """Trades that are hard to add up: ties of time, the largest and smallest decimals, hashes at both ends."""
    location = Location(uri=str(tmp_path / "lake"))
    rows, numbers, dice = [], dict.fromkeys(MARKETS, 0), random.Random(5)
    for hour in HOURS:
        for symbol in MARKETS:
            for _ in range(dice.randint(0, 400) if symbol != "PEPE-USDT" or hour is FIRST else 0):
                numbers[symbol] += 1
                rows.append(a_trade(dice, symbol, numbers[symbol], hour))
    dice.shuffle(rows)
    frame = pl.DataFrame(rows, schema=empty(TRADES).schema)
    table = LakeTable(TRADES, location)
    epoch = table.claim()
    for part in frame.iter_slices(200):
        append_rows(TRADES, location, part)
    ids = {f"binance:{symbol}": [(1, last)] for symbol, last in numbers.items() if last}
    Objects(location).put("_ledger/s.json", State(ids).encode())
    table.append([], CommitEntry("trades", "1", epoch, "c", "t", [], 0, state="_ledger/s.json"))
    return Lake(location, clock=lambda: HOURS[-1].end + timedelta(days=1))


def a_trade(dice, symbol, number, hour):
    # Few instants, so that many trades share one.
    time = hour.start + timedelta(minutes=dice.choice((0, 1, 1, 7, 30, 59)), seconds=dice.choice((0, 3)))
    price = Decimal(dice.randint(1, 10**9)).scaleb(-dice.choice((2, 9)))
    quantity = Decimal(dice.randint(1, 10**9)).scaleb(-dice.choice((0, 5, 9)))
    return {
        "venue": "binance", "symbol": symbol, "trade_id": number, "last_trade_id": number, "event_time": time,
        "price": price, "quantity": quantity, "quote_quantity": price * quantity, "side": dice.choice(("buy", "sell")),
        "source": "repair" if number % 97 == 0 else "ws", "received_time": None, "lateness_ms": 0, "topic": "trades",
        "partition": 0, "offset": number, "kafka_time": time, "row_hash": signed(dice.getrandbits(64)),
    }  # fmt: skip


def by_polars(lake, hour):
    inputs = read_inputs(lake, hour, lake.seen_ids())
    built = build_candles(inputs, start=hour.start, end=hour.end, now=lake.now())
    return built.select(OHLC_1M.column_names).sort(OHLC_1M.key)


def test_spark_and_polars_make_the_same_rows_of_the_same_trades(lake, cluster):
    with cluster.session() as session:
        parts = {part.span: part for part in minutes_by_spark(lake, session, HOURS, now=lake.now())}
    assert set(parts) == set(HOURS)
    for hour in HOURS:
        spark = parts[hour].candles.select(OHLC_1M.column_names).sort(OHLC_1M.key)
        assert spark.height >= 60
        assert spark.equals(by_polars(lake, hour))


def test_the_job_says_what_differs_and_heals_it(lake, cluster):
    for hour in HOURS:
        publish(lake, Interval.M1, [Part(span=hour, candles=by_polars(lake, hour))])
    forged = read_partition(OHLC_1M, lake.location, FIRST)
    wrong = forged.with_columns(high=pl.when(pl.col("window_start") == FIRST.start).then(None).otherwise("high"))
    replace_partition(OHLC_1M, lake.location, FIRST, wrong, {})
    for different, write in ((6, False), (6, True), (0, True)):
        with dg.DagsterInstance.ephemeral() as instance:
            config = {"first": HOURS[0].key, "last": HOURS[-1].key, "write": write}
            result = rebuild_job().execute_in_process(
                instance=instance,
                run_config={"ops": {"rebuild_candles": {"config": config}}},
                resources={"lake": lake, "spark": cluster},
            )
            output = next(e for e in result.all_events if e.event_type_value == "STEP_OUTPUT")
            assert output.event_specific_data.metadata["different"].value == different
            told = instance.get_materialized_partitions(dg.AssetKey(OHLC_1M.name))
            assert told == ({hour.key for hour in HOURS} if write else set())
    assert read_partition(OHLC_1H, lake.location, FIRST).height == len(MARKETS)
