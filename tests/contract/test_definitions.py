"""The shape of the code location, written out: what is where, what follows from what, what runs when."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from cryptoviz.lake.days import Day
from cryptoviz.lake.forecast_tables import FORECAST_TABLES
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.schema import DAY_COLUMNS
from cryptoviz.lake.tables import TABLES
from cryptoviz.lake.topics import TOPICS
from cryptoviz.settings import Settings
from cryptoviz.warehouse.publications import PUBLICATIONS
from cryptoviz_dagster.definitions import build_definitions

START = datetime(2026, 11, 1, 5, tzinfo=UTC)
GRAPH = """
forecast calibration [delta,numpy] <- training_set, vol_model
forecast champions [delta,numpy] <- prediction_metrics
forecast forecast_evaluation [html,svg] <- future_predictions, prediction_metrics, prediction_performance, predictions
forecast future_predictions [delta,polars] <- predictions
forecast lstm_model [jax,keras,safetensors] <- training_set
forecast prediction_metrics [delta,polars] <- ohlc_1h, predictions
forecast prediction_performance [delta,polars] <- prediction_metrics
forecast predictions [delta,numpy,polars] <- calibration, lstm_model, ohlc_1h, vol_model
forecast training_set [delta,numpy,polars] <- klines, ohlc_1h
forecast vol_model [delta,numpy,safetensors] <- training_set
lake kafka/book_tickers [kafka] <- -
lake kafka/gaps [kafka] <- -
lake kafka/instruments [kafka] <- -
lake kafka/klines [kafka] <- -
lake kafka/quotes [kafka] <- -
lake kafka/trades [kafka] <- -
lake book_tickers [delta,s3,spark] <- kafka/book_tickers
lake duplicates [delta,s3,spark] <- every topic
lake gaps [delta,s3,spark] <- kafka/gaps
lake instruments [delta,s3,spark] <- kafka/instruments
lake klines [delta,s3,spark] <- kafka/klines
lake quarantine [delta,s3,spark] <- every topic
lake quotes [delta,s3,spark] <- kafka/quotes
lake raw_book_tickers [delta,s3,spark] <- kafka/book_tickers
lake raw_gaps [delta,s3,spark] <- kafka/gaps
lake raw_instruments [delta,s3,spark] <- kafka/instruments
lake raw_klines [delta,s3,spark] <- kafka/klines
lake raw_quotes [delta,s3,spark] <- kafka/quotes
lake raw_trades [delta,s3,spark] <- kafka/trades
lake trades [delta,s3,spark] <- kafka/trades
market hourly_correlations [delta,polars,s3] <- klines, ohlc_1h
market hourly_metrics [delta,polars,s3] <- klines, ohlc_1h, ohlc_1m, quotes
market hourly_quotes [delta,polars,s3] <- quotes
market market_overview [delta,polars,s3] <- ohlc_1m, quotes
market ohlc_15m [delta,polars,s3] <- ohlc_1m
market ohlc_1d [delta,polars,s3] <- ohlc_1h
market ohlc_1h [delta,polars,s3] <- ohlc_1m
market ohlc_1m [delta,polars,s3] <- book_tickers, klines, trades
market ohlc_4h [delta,polars,s3] <- ohlc_1h
market ohlc_5m [delta,polars,s3] <- ohlc_1m
quality audit [delta,polars] <- book_tickers, ohlc_1m, raw_book_tickers, raw_trades, trades
quality candle_publications [delta,polars,s3] <- ohlc_15m, ohlc_1d, ohlc_1h, ohlc_1m, ohlc_4h, ohlc_5m
quality candle_revisions [delta,polars,s3] <- ohlc_15m, ohlc_1d, ohlc_1h, ohlc_1m, ohlc_4h, ohlc_5m
"""
CHECKS = {
    "ohlc_1m:candles_hold_every_trade",
    "ohlc_1m:high_is_highest_low_is_lowest",
    "ohlc_5m:is_fold_of_minutes",
    "ohlc_15m:is_fold_of_minutes",
    "ohlc_1h:is_fold_of_minutes",
    "hourly_metrics:every_market_has_one_row",
    "hourly_metrics:ranges_contain_prices",
    "training_set:features_are_finite",
    "vol_model:model_is_what_its_row_says",
    "lstm_model:model_is_what_its_row_says",
    "calibration:widths_ascend_with_coverage",
    "predictions:quantiles_are_finite_and_in_order",
    "predictions:nothing_later_was_read",
    "predictions:every_market_has_every_step",
    "future_predictions:shows_one_whole_issue",
    "prediction_metrics:every_due_forecast_is_scored_as_issued",
    "prediction_metrics:scores_follow_from_prices",
    "prediction_performance:averages_are_possible",
    "champions:every_task_has_one_champion",
}
WARNINGS = {
    "ohlc_1m:prices_are_as_listed",
    "ohlc_1m:repeats_agree",
    "hourly_metrics:columns_have_values",
    "market_overview:sources_give_every_column",
    "market_overview:sources_are_fresh",
    "market_overview:sources_agree",
    "predictions:models_are_there",
}

UNPARTITIONED = {"ended_hours_lie_in_one_file", "rows_are_within_bytes_budget", "rebuilt_hour_is_identical",
                 "loaded_rows_are_the_lakes", "every_row_is_the_lakes"}  # fmt: skip
"""Checks of how the tables lie, of the audit and of PostgreSQL: of no partition, and nothing waits for them."""


@pytest.fixture(scope="module")
def definitions(tmp_path_factory) -> dg.Definitions:
    return build_definitions(Settings(home=tmp_path_factory.mktemp("home"), store="local", start=START))


def line(spec: dg.AssetSpec) -> str:
    kinds = f"[{','.join(sorted(spec.kinds))}]"
    parents = ", ".join(sorted(dep.asset_key.to_user_string() for dep in spec.deps)) or "-"
    parents = "every topic" if len(spec.deps) == len(TOPICS) and "kafka/" in parents else parents
    return f"{spec.group_name} {spec.key.to_user_string()} {kinds} <- {parents}"


def test_the_asset_graph_is_the_one_written_here(definitions):
    found = [spec for spec in definitions.resolve_all_asset_specs() if spec.group_name != "serving"]
    specs = sorted(found, key=lambda s: (s.group_name, len(s.key.path) == 1, s.key))
    assert "\n".join(map(line, specs)) == GRAPH.strip()


def test_every_publication_is_an_asset_after_its_table_and_none_but_these_are_served(definitions):
    lines = {line(spec) for spec in definitions.resolve_all_asset_specs() if spec.group_name == "serving"}
    assert lines == {f"serving postgres/{p.name} [postgres] <- {p.name}" for p in PUBLICATIONS}


def test_every_asset_has_a_description_and_an_owner(definitions):
    for spec in definitions.resolve_all_asset_specs():
        assert spec.description
        assert spec.owners == ["team:cryptoviz"]


def test_every_asset_but_those_of_the_database_leads_to_the_live_page(definitions):
    for spec in definitions.resolve_all_asset_specs():
        links = {name for name in ("live page", "guide") if name in spec.metadata}
        assert links == ({"guide"} if spec.group_name == "serving" else {"live page"})


def test_every_table_shows_the_columns_of_the_contract(definitions):
    specs = {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}
    for table in TABLES:
        schema = specs[table.name].metadata["dagster/column_schema"]
        assert tuple(column.name for column in schema.columns) == table.column_names


def test_the_checks_are_those_written_here_and_block_where_a_wrong_number_would_spread(definitions):
    graph = definitions.resolve_asset_graph()
    is_blocking = {key: graph.get(key).blocking for key in graph.asset_check_keys if key.name not in UNPARTITIONED}
    names = {key: f"{key.asset_key.to_user_string()}:{key.name}" for key in is_blocking}
    assert {names[key] for key, blocks in is_blocking.items() if blocks} == CHECKS
    assert {names[key] for key, blocks in is_blocking.items() if not blocks} == WARNINGS
    assert all(graph.get(key).partitions_def for key in is_blocking)


def test_partitions_are_the_hours_or_days_of_the_lake_from_its_first_to_the_one_in_progress(definitions):
    graph, now = definitions.resolve_asset_graph(), START.replace(hour=7, minute=30)
    first = Hour(START)
    trained = {table.name for table in FORECAST_TABLES if table.partition_columns == DAY_COLUMNS}
    for table in (table for table in TABLES if table.name not in trained):
        keys = graph.get(dg.AssetKey(table.name)).partitions_def.get_partition_keys(current_time=now)
        is_daily = table.partition_columns == DAY_COLUMNS
        expected = [Day.containing(START).key] if is_daily else [first.key, first.next().key, first.next(2).key]
        assert list(keys) == expected


def test_models_are_of_days_and_weeks_that_are_over_from_where_history_begins(definitions):
    graph, now = definitions.resolve_asset_graph(), START.replace(day=10)
    for table in FORECAST_TABLES:
        if table.partition_columns == DAY_COLUMNS:
            keys = graph.get(dg.AssetKey(table.name)).partitions_def.get_partition_keys(current_time=now)
            is_weekly = table.name in ("lstm_model", "champions")
            assert (keys[0], keys[-1]) == (("2026-10-19", "2026-11-02") if is_weekly else ("2026-10-03", "2026-11-09"))


def test_the_job_holds_the_hourly_chain_runs_in_one_process_and_is_bounded(definitions):
    job = definitions.resolve_job_def("hour")
    metrics = {"hourly_metrics", "hourly_correlations", "market_overview", "hourly_quotes"}
    chain = {"ohlc_1m", "ohlc_5m", "ohlc_15m", "ohlc_1h"} | metrics
    assert {key.to_user_string() for key in job.asset_layer.executable_asset_keys} == chain
    assert job.executor_def is dg.in_process_executor
    assert job.tags["dagster/max_runtime"] == "900"


def test_everything_loads(definitions):
    dg.Definitions.validate_loadable(definitions)


def test_loading_brings_in_neither_spark_nor_a_plotting_library(tmp_path):
    heavy = "{'pyspark', 'matplotlib', 'dagster_aws', 'dagster_pyspark', 'streaming', 'boto3'}"
    code = f"import sys, cryptoviz_dagster.definitions; print(sorted({heavy} & set(sys.modules)))"
    environment = {
        "CRYPTOVIZ_HOME": str(tmp_path),
        "CRYPTOVIZ_STORE": "local",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
