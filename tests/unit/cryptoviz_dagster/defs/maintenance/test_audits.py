from datetime import timedelta
from decimal import Decimal

import polars as pl
import pytest
import xxhash

from cryptoviz.lake.candle_tables import OHLC_1M
from cryptoviz.lake.ledger import HASH_SEED, signed
from cryptoviz.lake.tables import RAW_TRADES, TRADES
from cryptoviz.storage.frames import append_rows, empty, read_partition, replace_partition
from cryptoviz_dagster.audit import choose_hour
from cryptoviz_dagster.rejudging import JudgeFailed, rejudge

KEY = "binance:BTC-USDT"


def a_record(number, time, *, offset=None, kafka_time=None):
    stamp = int(time.timestamp() * 1000)
    value = (
        f'{{"e":"trade","E":{stamp},"s":"BTCUSDT","t":{number},"p":"{100 + number % 7}.5","q":"0.25","T":{stamp},'
        '"m":true,"M":true}'
    ).encode()
    return {
        "topic": "trades", "partition": 0, "offset": number if offset is None else offset,
        "kafka_time": kafka_time or time, "key": KEY, "schema": "binance.ws.trade", "source": "ws",
        "received_time": time, "connection": "1", "value": value,
        "row_hash": signed(xxhash.xxh64_intdigest(value, seed=HASH_SEED)),
    }  # fmt: skip


@pytest.fixture
def stream(lake, writer, first):
    """Puts records into the raw table, and into the trades what the judge makes of them."""

    def put(*records):
        raw = pl.DataFrame(list(records), schema=empty(RAW_TRADES).schema)
        append_rows(RAW_TRADES, lake.location, raw)
        clean = rejudge(TRADES, RAW_TRADES, raw, first_hour=first)
        writer.commit(*clean.iter_rows(named=True))

    return put


@pytest.fixture
def audited(stream, orchestra, definitions, instance, first):
    """An hour from raw records to candles; calling it audits the hour and gives verdict and evidence."""
    stream(
        *(a_record(n, first.start + timedelta(minutes=n)) for n in range(60)),
        a_record(7, first.start + timedelta(minutes=7), offset=900),
        a_record(60, first.end - timedelta(seconds=1), kafka_time=first.next(5).start),
    )
    orchestra.settle()

    def run(**config):
        job = definitions.resolve_job_def("audit_job")
        result = job.execute_in_process(
            instance=instance, run_config={"ops": {"audit": {"config": config}}}, raise_on_error=False
        )
        (evaluation,) = result.get_asset_check_evaluations()
        return evaluation, {name: value.value for name, value in evaluation.metadata.items()}

    return run


def test_an_hour_built_anew_from_raw_records_is_the_one_stored_to_the_byte(audited, first):
    verdict, evidence = audited()
    assert verdict.passed, verdict.description
    assert evidence["hour"] == first.key
    assert evidence["raw_records"] == 62
    assert evidence["stored_sha256"] == evidence["rebuilt_sha256"] != ""


@pytest.mark.parametrize(
    ("column", "value"), [("price", Decimal("100.500000000000000001")), ("side", "buy"), ("trade_id", 10_000)]
)
def test_a_trade_that_no_record_makes_is_found(audited, lake, first, column, value):
    forged = read_partition(TRADES, lake.location, first).with_row_index("at")
    changed = pl.when(pl.col("at") == 3).then(pl.lit(value)).otherwise(pl.col(column)).cast(forged.schema[column])
    replace_partition(TRADES, lake.location, first, forged.with_columns(changed.alias(column)), {})
    verdict, evidence = audited(hour=first.key)
    assert (verdict.passed, verdict.severity.value) == (False, "ERROR")
    assert "2 rows of trades" in verdict.description
    assert column in evidence["first_differences"]


def test_a_candle_that_is_not_the_fold_of_its_trades_is_found(audited, lake, first):
    forged = read_partition(OHLC_1M, lake.location, first)
    replace_partition(OHLC_1M, lake.location, first, forged.with_columns(high=pl.col("high") + 1), {})
    verdict, evidence = audited(hour=first.key)
    assert (verdict.passed, verdict.severity.value) == (False, "ERROR")
    assert "120 rows of ohlc_1m" in verdict.description
    assert evidence["stored_sha256"] != evidence["rebuilt_sha256"]


def test_the_same_rows_in_other_bytes_are_a_warning(audited, lake, first, monkeypatch):
    monkeypatch.setattr("cryptoviz_dagster.audit._digest_of_written", lambda *_: "of another Parquet writer")
    verdict, _ = audited(hour=first.key)
    assert (verdict.passed, verdict.severity.value) == (False, "WARN")
    assert "the bytes of the file" in verdict.description


def test_the_hour_is_chosen_by_the_day_and_only_among_those_that_can_be_rebuilt(audited, lake, clock, first):
    day = clock().date()
    assert choose_hour(lake, day, raw_kept=None) == first == choose_hour(lake, day, raw_kept=None)
    assert choose_hour(lake, day, raw_kept=timedelta(days=1)) is None


def test_an_hour_whose_candles_wait_for_late_trades_is_not_audited(audited, stream, lake, clock, first):
    stream(a_record(61, first.start))
    assert choose_hour(lake, clock().date(), raw_kept=None) is None


def test_a_lake_without_hours_has_nothing_to_audit(definitions, instance, lake):
    result = definitions.resolve_job_def("audit_job").execute_in_process(instance=instance)
    (evaluation,) = result.get_asset_check_evaluations()
    assert (evaluation.passed, "No hour" in evaluation.description) == (True, True)


def test_a_judge_that_fails_is_told_with_its_own_words(first):
    with pytest.raises(JudgeFailed, match="usage"):
        rejudge(OHLC_1M, RAW_TRADES, empty(RAW_TRADES), first_hour=first)
