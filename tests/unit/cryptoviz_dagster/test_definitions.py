from datetime import UTC, datetime, timedelta
from decimal import Decimal

import dagster as dg
import polars as pl
import pytest

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.tables import OHLC_1H, OHLC_1M, TRADES
from cryptoviz.settings import load_settings
from cryptoviz.storage.frames import empty, replace_hour
from cryptoviz_dagster.definitions import build_definitions
from cryptoviz_dagster.defs.market.checks import impossible
from cryptoviz_dagster.reaper import reap
from cryptoviz_dagster.resources import Lake

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
HOUR = Hour(datetime(2026, 11, 20, 8, tzinfo=UTC))


@pytest.fixture
def settings(tmp_path):
    return load_settings(home=tmp_path, store="local", start=HOUR.start)


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def trades(*numbers):
    zero = {c.name: None for c in TRADES.columns}
    row = {"venue": "binance", "symbol": "BTC-USDT", "side": "buy", "source": "ws", "topic": "trades", "partition": 0,
           "lateness_ms": 0, "price": Decimal(2), "quantity": Decimal(1), "quote_quantity": Decimal(2)}  # fmt: skip
    rows = [
        {**zero, **row, "trade_id": i, "last_trade_id": i, "offset": i, "row_hash": i, "kafka_time": HOUR.start,
         "event_time": HOUR.start + timedelta(seconds=i)}
        for i in numbers
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=empty(TRADES).schema)


def materialise(settings, instance, key=HOUR.key):
    job = build_definitions(settings).resolve_job_def("hour")
    return job.execute_in_process(partition_key=key, instance=instance, raise_on_error=False)


def test_the_graph_is_the_one_the_lineage_page_shows(settings):
    graph = build_definitions(settings).resolve_asset_graph()
    found = {
        key.to_user_string(): sorted(p.to_user_string() for p in graph.get(key).parent_keys)
        for key in graph.get_all_asset_keys()
    }
    assert found == {
        "kafka/trades": [],
        "kafka/klines": [],
        "raw_trades": ["kafka/trades"],
        "raw_klines": ["kafka/klines"],
        "trades": ["kafka/trades"],
        "klines": ["kafka/klines"],
        "quarantine": ["kafka/klines", "kafka/trades"],
        "duplicates": ["kafka/klines", "kafka/trades"],
        "ohlc_1m": ["trades"],
        "ohlc_1h": ["ohlc_1m"],
    }
    assert all(graph.get(key).description and graph.get(key).group_name for key in graph.get_all_asset_keys())


def test_an_hour_becomes_candles_that_record_what_they_stand_on(settings, instance):
    replace_hour(TRADES, settings.lake, HOUR, trades(1, 2, 3), {})
    result = materialise(settings, instance)
    assert result.success
    assert all(e.passed for e in result.get_asset_check_evaluations())
    lake = Lake(settings.lake)
    assert lake.candles(OHLC_1M, HOUR)["trade_count"].sum() == 3
    assert lake.folded_hours() == {HOUR: lake.trades(HOUR).version}


def test_late_data_changes_exactly_its_hour(settings, instance):
    replace_hour(TRADES, settings.lake, HOUR, trades(1, 2, 3), {})
    materialise(settings, instance)
    lake = Lake(settings.lake)
    before = lake.folded_hours()[HOUR]
    replace_hour(TRADES, settings.lake, HOUR, trades(1, 2, 3, 4), {})
    materialise(settings, instance)
    assert lake.folded_hours()[HOUR] != before
    assert lake.candles(OHLC_1H, HOUR)["trade_count"].to_list() == [4]


def test_an_empty_hour_has_no_candles_and_no_failure(settings, instance):
    assert materialise(settings, instance).success
    assert Lake(settings.lake).candles(OHLC_1H, HOUR).height == 0


def test_impossible_candles_are_found():
    good = {"open": 2, "high": 3, "low": 1, "close": 2, "volume": 1, "trade_count": 1}
    bad = [{**good, "high": 1}, {**good, "low": 3}, {**good, "open": None}, {**good, "trade_count": 0}]
    schema = {**dict.fromkeys(("open", "high", "low", "close", "volume"), pl.Decimal(38, 18)), "trade_count": pl.Int64}
    assert impossible(pl.DataFrame([good, *bad], schema=schema)).height == len(bad)


def test_runs_left_by_a_crash_are_reaped(settings, instance):
    job = build_definitions(settings).resolve_job_def("hour")
    run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    assert reap(instance) == 1
    assert instance.get_run_by_id(run.run_id) is None
