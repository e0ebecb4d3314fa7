from decimal import Decimal

import dagster as dg
import polars as pl
import pytest

from cryptoviz.lake.candle_tables import OHLC_1H, OHLC_1M
from cryptoviz.lake.ledger import HourVersion
from cryptoviz_dagster.defs.market.checks import impossible
from cryptoviz_dagster.resources import Lake, Versioned

CHECKS = ("high_is_highest_low_is_lowest", "candles_hold_every_trade", "is_fold_of_minutes")
RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


def notes(result, key, partition):
    events = result.asset_materializations_for_node(key)
    return next(event.metadata for event in events if event.partition == partition)


def passed(result):
    return {e.check_name: e.passed for e in result.get_asset_check_evaluations() if e.check_name in CHECKS}


def test_an_hour_becomes_minutes_and_one_hourly_candle_that_name_their_trades(
    orchestra, writer, hour_of_trades, first, lake
):
    version = writer.commit(*hour_of_trades(first, 1))[first].digest
    orchestra.run(orchestra.tick().run_requests[0])
    minutes, hourly = lake.rows(OHLC_1M, first), lake.rows(OHLC_1H, first)
    assert (minutes.height, hourly.height) == (60, 1)
    assert set(minutes["source_version"]) == set(hourly["source_version"]) == {version}
    assert hourly.row(0, named=True)["volume"] == 30
    assert hourly.row(0, named=True)["trade_count"] == 60


def test_a_materialization_tells_counts_bounds_rows_and_shows_a_picture(orchestra, writer, hour_of_trades, first):
    version = writer.commit(*hour_of_trades(first, 1))[first].digest
    result = orchestra.run(orchestra.tick().run_requests[0])
    minutes = notes(result, OHLC_1M.name, first.key)
    assert minutes["cryptoviz/source_version"].value == version
    assert minutes["dagster/partition_row_count"].value == 60
    assert minutes["state"].value == "final, every window is proven"
    assert minutes["dagster/uri"].value.endswith(f"/ohlc_1m/{first.path}")
    assert "| binance | BTC-USDT | 00:59 |" in minutes["preview"].value
    assert len(minutes["picture"].value) < 30_000
    assert notes(result, OHLC_1H.name, first.key)["cryptoviz/source_version"].value == version


def test_the_three_checks_block_and_pass(orchestra, writer, hour_of_trades, first, definitions):
    writer.commit(*hour_of_trades(first, 1))
    result = orchestra.run(orchestra.tick().run_requests[0])
    assert passed(result) == dict.fromkeys(CHECKS, True)
    graph = definitions.resolve_asset_graph()
    assert all(graph.get(key).blocking for key in graph.asset_check_keys if key.name in CHECKS)


class ForgingLake(Lake):
    """Hands forged trades to the fold, true ones to the check."""

    def __init__(self, location, *, clock, forge) -> None:
        super().__init__(location, clock=clock)
        self.forge = forge

    def trades(self, hour):
        true = super().trades(hour)
        is_folded = self.rows(OHLC_1M, hour).height > 0
        return true if is_folded else Versioned(self.forge(true.frame), true.version)


@pytest.mark.parametrize(
    "forge",
    [lambda trades: trades.head(-1), lambda trades: trades.with_columns(pl.col("quantity") + pl.col("quantity"))],
    ids=["one trade lost", "volume doubled"],
)
def test_candles_that_do_not_hold_their_trades_stop_before_the_hourly_candle(
    forge, orchestra, writer, hour_of_trades, first, location, clock
):
    writer.commit(*hour_of_trades(first, 1))
    lake = ForgingLake(location, clock=clock, forge=forge)
    result = orchestra.job.execute_in_process(
        instance=orchestra.instance, partition_key=first.key, resources={"lake": lake}, raise_on_error=False
    )
    assert not result.success
    assert passed(result) == {"high_is_highest_low_is_lowest": True, "candles_hold_every_trade": False}
    assert lake.rows(OHLC_1H, first).height == 0
    assert [request.partition_key for request in orchestra.tick().run_requests] == [first.key]


def test_a_range_is_one_run_that_notes_each_hour_by_itself(orchestra, writer, hour_of_trades, first, lake):
    versions = {}
    for number in range(3):
        versions |= writer.commit(*hour_of_trades(first.next(number), 1 + 60 * number))
    tags = dict(zip(RANGE, (first.key, first.next(2).key), strict=True))
    result = orchestra.job.execute_in_process(instance=orchestra.instance, tags=tags)
    assert result.success
    for hour, version in versions.items():
        assert notes(result, OHLC_1H.name, hour.key)["cryptoviz/source_version"].value == version.digest
        assert lake.rows(OHLC_1M, hour).height == 60
    judged = {(e.check_name, e.partition) for e in result.get_asset_check_evaluations() if e.partition and e.passed}
    assert judged >= {(name, hour.key) for name in CHECKS for hour in versions}


def test_materializing_an_hour_without_trades_says_so_and_writes_no_number(orchestra, writer, first, lake):
    result = orchestra.job.execute_in_process(instance=orchestra.instance, partition_key=first.key)
    assert result.success
    assert notes(result, OHLC_1H.name, first.key)["state"].value == "no trades in the lake for this hour"
    assert notes(result, OHLC_1H.name, first.key)["cryptoviz/source_version"].value == HourVersion().digest
    assert lake.rows(OHLC_1H, first).height == 0


def test_materializing_an_hour_to_come_is_refused_with_the_reason(orchestra, first):
    result = orchestra.job.execute_in_process(
        instance=orchestra.instance, partition_key=first.next(11).key, raise_on_error=False
    )
    failure = next(e for e in result.all_events if e.is_step_failure).step_failure_data
    assert "has not begun" in failure.user_failure_data.description


def test_materializing_an_hour_before_the_lake_begins_is_refused(orchestra, first):
    with pytest.raises(dg.DagsterUnknownPartitionError, match="Could not find a partition"):
        orchestra.job.execute_in_process(instance=orchestra.instance, partition_key=first.next(-1).key)


def test_the_same_trades_give_the_same_candles_again(orchestra, writer, hour_of_trades, first, lake):
    writer.commit(*hour_of_trades(first, 1))
    orchestra.job.execute_in_process(instance=orchestra.instance, partition_key=first.key)
    before = lake.rows(OHLC_1M, first)
    orchestra.job.execute_in_process(instance=orchestra.instance, partition_key=first.key)
    assert lake.rows(OHLC_1M, first).equals(before)


@pytest.mark.parametrize(
    ("change", "is_possible"),
    [
        ({}, True),
        ({"high": Decimal(9)}, False),
        ({"open": Decimal(21)}, False),
        ({"close": Decimal(4)}, False),
        ({"low": Decimal(-1)}, False),
        ({"high": None}, False),
        ({"trade_count": 0}, False),
        ({"trade_count": 0, "volume": Decimal(0), "open": None, "high": None, "low": None, "close": None}, True),
    ],
)
def test_a_candle_is_possible_only_with_its_prices_in_order(change, is_possible):
    candle = {
        "open": Decimal(10),
        "high": Decimal(20),
        "low": Decimal(5),
        "close": Decimal(15),
        "volume": Decimal(1),
        "trade_count": 3,
    }
    prices = dict.fromkeys(("open", "high", "low", "close", "volume"), pl.Decimal(38, 18))
    rows = pl.DataFrame([{**candle, **change}], schema={**prices, "trade_count": pl.Int64})
    assert (impossible(rows).height == 0) == is_possible
