from datetime import timedelta
from decimal import Decimal

import dagster as dg
import polars as pl
import pytest

from cryptoviz.arithmetic.fold import HOUR, fold_candles
from cryptoviz.lake.candle_tables import OHLC, OHLC_1H, OHLC_1M, Interval
from cryptoviz.lake.forecast_tables import FORECAST_TABLES
from cryptoviz.lake.ledger import HourVersion
from cryptoviz.lake.metric_tables import (
    HOURLY_CORRELATIONS,
    HOURLY_METRICS,
    HOURLY_QUOTES,
    MARKET_OVERVIEW,
    METRIC_TABLES,
)
from cryptoviz.lake.tables import BOOK_TICKERS, QUOTES, TRADES
from cryptoviz.storage.frames import empty, replace_partition, version_of
from cryptoviz.storage.hour_index import HourIndex
from cryptoviz.storage.objects import Objects
from cryptoviz_dagster.defs.forecast.lineage import forecast_lineage
from cryptoviz_dagster.defs.market.candle_lineage import candle_lineage
from cryptoviz_dagster.defs.market.metric_checks import (
    columns_without_value,
    divergent_sources,
    empty_columns,
    off_candles,
    out_of_range,
    promises_not_kept,
    stale_sources,
)
from cryptoviz_dagster.defs.market.metric_lineage import lineage
from cryptoviz_dagster.defs.market.metrics import LookBack
from cryptoviz_dagster.transforms.candles import HourInputs, build_candles
from cryptoviz_dagster.transforms.hourly_metrics import build_hourly_metrics
from cryptoviz_dagster.transforms.market_overview import latest_market_caps

HOURS = 3
RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


@pytest.fixture
def filled(lake, trade, first, clock):
    """Candles of three hours of two symbols."""
    for number in range(HOURS):
        hour = first.next(number)
        rows = [
            trade(1 + number * 60 + n, hour.start + timedelta(minutes=n), str(price + (n * 7 + number) % 11), symbol)
            for symbol, price in (("BTC-USDT", 100), ("ETH-USDT", 50))
            for n in range(60)
        ]
        trades = pl.DataFrame(rows, schema=empty(TRADES).schema)
        inputs = HourInputs(trades=trades, quotes=empty(BOOK_TICKERS), trades_version=version_of(trades))
        minutes = build_candles(inputs, start=hour.start, end=hour.end, now=clock())
        replace_partition(OHLC_1M, lake.location, hour, minutes, {})
        replace_partition(OHLC_1H, lake.location, hour, fold_candles(minutes, interval=HOUR), {})
    return lake


@pytest.fixture
def metrics(filled, first):
    """Metrics of the last hour, without a run."""
    hour = first.next(2)
    history = LookBack.read(filled, [hour]).history(hour)
    no_caps = latest_market_caps(empty(QUOTES))
    return build_hourly_metrics(filled.rows(OHLC_1H, hour), filled.rows(OHLC_1M, hour), history, no_caps)


@pytest.fixture
def materialize(definitions, instance):
    """Materializes the assets of metrics, as "Materialize" does: one hour, or a range by its tags."""
    job = definitions.resolve_implicit_global_asset_job_def()

    def run(hour=None, **more):
        key = hour.key if hour else None
        selection = [dg.AssetKey(table.name) for table in METRIC_TABLES]
        return job.execute_in_process(instance=instance, partition_key=key, asset_selection=selection, **more)

    return run


def notes(result, name):
    (event,) = result.asset_materializations_for_node(name)
    return event.metadata


def passed(result):
    return {e.check_name for e in result.get_asset_check_evaluations() if e.passed}


def test_an_hour_of_candles_becomes_metrics_correlations_and_an_overview(filled, materialize, first):
    hour = first.next(HOURS - 1)
    result = materialize(hour)
    assert passed(result) == {
        "every_market_has_one_row", "ranges_contain_prices", "columns_have_values", "sources_give_every_column",
        "sources_are_fresh", "sources_agree",
    }  # fmt: skip
    metrics = filled.rows(HOURLY_METRICS, hour)
    assert metrics["symbol"].to_list() == ["BTC-USDT", "ETH-USDT"]
    assert set(metrics["hours"]) == {HOURS}
    assert set(metrics["source_version"]) == set(filled.rows(OHLC_1H, hour)["source_version"])
    assert filled.rows(HOURLY_CORRELATIONS, hour).height == 2
    overview = filled.rows(MARKET_OVERVIEW, hour)
    assert overview.height == 2 * 60
    assert overview["consensus_price"].equals(overview["price"], check_names=False)


def test_materializations_show_rows_and_the_lineage_of_columns(filled, materialize, first):
    result = materialize(first.next(2))
    note = notes(result, HOURLY_METRICS.name)
    assert note["dagster/partition_row_count"].value == 2
    assert "| binance | BTC-USDT |" in note["preview"].value
    assert note["dagster/column_lineage"].value == lineage(HOURLY_METRICS)
    assert "market_cap" in note["null_columns"].value


def test_every_column_of_lineage_is_one_of_the_tables(definitions):
    schemas = {
        spec.key: {column.name for column in spec.metadata["dagster/column_schema"].columns}
        for spec in definitions.resolve_all_asset_specs()
        if "dagster/column_schema" in spec.metadata
    }
    specs = {spec.key: spec for spec in definitions.resolve_all_asset_specs()}
    made_of = {table.name: lineage(table) for table in METRIC_TABLES}
    made_of |= {OHLC[interval].name: candle_lineage(interval) for interval in Interval}
    made_of |= {table.name: forecast_lineage(table) for table in FORECAST_TABLES}
    for name, found in made_of.items():
        parents = {dep.asset_key for dep in specs[dg.AssetKey(name)].deps}
        for column, origins in found.deps_by_column.items():
            assert column in schemas[dg.AssetKey(name)]
            for origin in origins:
                assert origin.asset_key in parents, (name, column, origin)
                assert origin.column_name in schemas[origin.asset_key], (name, column, origin)


def test_every_column_of_candles_has_an_origin_but_those_that_count(definitions):
    for interval in Interval:
        unknown = set(OHLC[interval].column_names) - set(candle_lineage(interval).deps_by_column)
        assert unknown <= {"revision", "minutes"}


def test_the_same_candles_give_the_same_rows_whatever_the_time_and_order(filled, materialize, first, clock):
    hours = [first.next(n) for n in range(HOURS)]
    for hour in hours:
        materialize(hour)
    before = [filled.rows(table, hour) for table in METRIC_TABLES for hour in hours]
    clock.move(days=3)
    for hour in reversed(hours):
        materialize(hour)
    assert all(
        a.equals(b) for a, b in zip(before, (filled.rows(t, h) for t in METRIC_TABLES for h in hours), strict=True)
    )


def test_a_range_of_hours_is_one_run_and_the_same_rows(filled, materialize, first):
    hours = [first.next(n) for n in range(HOURS)]
    for hour in hours:
        materialize(hour)
    before = [filled.rows(HOURLY_METRICS, hour) for hour in hours]
    ends = (hours[0].key, hours[-1].key)
    assert materialize(tags=dict(zip(RANGE, ends, strict=True))).success
    assert all(a.equals(filled.rows(HOURLY_METRICS, hour)) for a, hour in zip(before, hours, strict=True))


def test_an_hour_without_candles_is_no_rows_and_no_failure(lake, materialize, first):
    result = materialize(first)
    assert result.success
    assert [lake.rows(table, first).height for table in METRIC_TABLES] == [0, 0, 0, 0]


def test_metrics_of_other_candles_than_those_in_the_lake_are_found(filled, metrics, first):
    candles = filled.rows(OHLC_1H, first.next(2))
    assert off_candles(metrics, candles) == []
    assert off_candles(metrics.head(1), candles)
    assert off_candles(metrics, candles.with_columns(source_version=pl.lit("1-0000000000000001")))


@pytest.mark.parametrize(
    "forged",
    [
        {"high_24h": Decimal(1), "low_24h": Decimal(1)},
        {"volatility_rank": 1.5},
        {"rsi_14": 101.0},
        {"bollinger_lower": 3.0, "bollinger_middle": 2.0},
        {"volume_24h": Decimal(0)},
        {"quoted_ms": 3_600_001},
    ],
)
def test_a_row_that_cannot_be_is_found(metrics, forged):
    assert out_of_range(metrics).height == 0
    wrong = metrics.with_columns(pl.lit(value).cast(metrics.schema[name]).alias(name) for name, value in forged.items())
    assert out_of_range(wrong).height == 2


def test_a_column_that_lost_its_values_is_named_and_one_that_needs_more_hours_is_not(metrics):
    assert empty_columns(metrics) == []
    lost = metrics.with_columns(pl.lit(None).cast(metrics.schema[name]).alias(name) for name in ("vwap", "log_return"))
    assert empty_columns(lost) == ["vwap", "log_return"]


def test_a_source_that_is_silent_or_far_off_is_named(filled, materialize, first):
    hour = first.next(1)
    minutes = filled.rows(OHLC_1M, hour)
    other = minutes.filter(symbol="BTC-USDT").with_columns(venue=pl.lit("kraken"))
    third = other.with_columns(pl.col("close") + 50, venue=pl.lit("third"))
    nothing = pl.lit(None).cast(minutes.schema["close"])
    silent = minutes.filter(symbol="ETH-USDT").with_columns(venue=pl.lit("silent"), close=nothing)
    replace_partition(OHLC_1M, filled.location, hour, pl.concat([minutes, other, third, silent]), {})
    result = materialize(hour, raise_on_error=False)
    overview = filled.rows(MARKET_OVERVIEW, hour)
    assert {text.split("'source': ")[1].split("'")[1] for text in divergent_sources(overview)} == {"third"}
    (stale,) = stale_sources(overview)
    assert "'silent'" in stale
    assert columns_without_value(overview) == ["silent: price", "silent: age_s", "silent: residual_bps"]
    assert passed(result).isdisjoint({"sources_give_every_column", "sources_are_fresh", "sources_agree"})


def test_vendors_are_sources_beside_the_venues_and_what_they_owe_is_named(filled, materialize, first):
    hour = first.next(1)
    plain = {c.name: None if c.nullable else 0 if c.type in {"int32", "int64"} else "-" for c in QUOTES.columns}
    vendors = [("coingecko", Decimal(5)), ("coinmarketcap", None)]
    rows = [
        {
            **plain, "venue": venue, "symbol": "BTC-USDT", "price": Decimal(100), "volume_24h": cap, "is_stale": False,
            "kafka_time": hour.start, "received_time": hour.start + timedelta(minutes=n), "offset": n,
        }
        for venue, cap in vendors
        for n in range(60)
    ]  # fmt: skip
    quotes = pl.DataFrame(rows, schema=empty(QUOTES).schema)
    replace_partition(QUOTES, filled.location, hour, quotes, {})
    materialize(hour)
    overview = filled.rows(MARKET_OVERVIEW, hour).filter(pl.col("asset") == "BTC")
    assert set(overview["source"]) == {"binance", "coingecko", "coinmarketcap"}
    assert set(overview["fresh_sources"]) == {3}
    assert filled.rows(HOURLY_QUOTES, hour).select("venue", "samples").rows() == [
        ("coingecko", 60),
        ("coinmarketcap", 60),
    ]
    owed = promises_not_kept(quotes)
    assert "coinmarketcap: volume_24h" in owed
    assert "coingecko: volume_24h" not in owed


def test_sources_are_excused_until_an_hour_was_watched_from_its_start(filled, materialize, first, location, clock):
    quiet = filled.rows(OHLC_1M, first.next(1)).with_columns(close=pl.lit(None).cast(pl.Decimal(38, 18)))
    for number in (1, 2):
        hour = first.next(number)
        minutes = quiet.with_columns(pl.col("window_start", "window_end") + timedelta(hours=number - 1))
        replace_partition(OHLC_1M, location, hour, minutes.with_columns(venue=pl.lit("silent")), {})
    HourIndex(Objects(location), QUOTES.name).publish({first.next(1): HourVersion(1, 1)}, now=clock())
    said = {}
    for number in (1, 2):
        result = materialize(first.next(number), raise_on_error=False)
        said[number] = {e.check_name: e for e in result.get_asset_check_evaluations()}["sources_give_every_column"]
    assert (said[1].passed, said[2].passed) == (True, False)
    assert said[1].description == f"too early: the first whole hour of quotes is {first.next(2).key}"
    assert said[1].metadata["problems"].value > 0
