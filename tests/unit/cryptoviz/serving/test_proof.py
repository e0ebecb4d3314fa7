"""The proof of a candle from its trades, and candles as they were known at an earlier instant."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest

from cryptoviz.lake.candle_tables import CANDLE_PUBLICATIONS, CANDLE_REVISIONS, OHLC_1M
from cryptoviz.lake.days import Day
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.schema import DAY_COLUMNS
from cryptoviz.lake.tables import TRADES
from cryptoviz.serving.parts import Parts
from cryptoviz.settings import Settings
from cryptoviz.storage.frames import empty, replace_partition

START = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
HOUR = Hour.containing(START)
PUBLISHED, REVISED = START + timedelta(hours=1), START + timedelta(hours=3)


def written(table, settings, *rows):
    """Rows of a table, with zeros and empty texts where nothing is said."""
    schema = empty(table).schema
    blanks = {
        c.name: None
        if c.nullable
        else ""
        if schema[c.name] == pl.String
        else START
        if "Datetime" in str(schema[c.name])
        else 0
        for c in table.columns
    }
    span = Day.containing(START) if table.partition_columns == DAY_COLUMNS else HOUR
    replace_partition(table, settings.lake, span, pl.DataFrame([{**blanks, **row} for row in rows], schema=schema), {})


def candle(**values):
    prices = dict.fromkeys(("open", "high", "low", "close"), Decimal(100))
    market = {
        "venue": "binance",
        "symbol": "BTC-USDT",
        "window_start": START,
        "window_end": START + timedelta(minutes=1),
    }
    return {
        **market,
        **prices,
        "trade_count": 3,
        "hash_sum": 60,
        "status": "traded",
        "revision": 1,
        "minutes": 1,
        **values,
    }


def trade(number, *, partition=2):
    return {
        "venue": "binance", "symbol": "BTC-USDT", "trade_id": number, "last_trade_id": number, "side": "buy",
        "event_time": START + timedelta(seconds=number), "topic": "trades", "partition": partition,
        "offset": 1000 + number, "row_hash": 10 * number, "source": "ws",
    }  # fmt: skip


@pytest.fixture
def own(tmp_path, btc):
    return Settings(store="local", lake_uri=str(tmp_path / "lake"), instruments=(btc,))


@pytest.fixture
def ask(own, live, served, now):
    import httpx  # noqa: PLC0415 - one fixture's client

    def asked(path, **query):
        with served(Parts(settings=own, live=live, clock=lambda: now)) as address:
            answer = httpx.get(f"{address}/api/v1/{path}", params={"symbol": "BTC-USDT", "interval": "1m", **query})
        assert answer.status_code == 200, answer.text
        return answer.json()

    return asked


def test_a_candle_is_proven_by_its_trades(own, ask):
    written(OHLC_1M, own, candle())
    written(TRADES, own, trade(1), trade(2), trade(3, partition=4))
    found = ask("lineage", window_start=START.isoformat())["trades"]
    assert found["proven"] is True
    spans = {(o["partition"], o["first_offset"], o["last_offset"]) for o in found["offsets"]}
    assert spans == {(2, 1001, 1002), (4, 1003, 1003)}


@pytest.mark.parametrize("trades", [(1, 2), (1, 2, 3, 4), (1, 2, 4)])
def test_a_candle_whose_trades_do_not_add_up_is_not(own, ask, trades):
    written(OHLC_1M, own, candle())
    written(TRADES, own, *map(trade, trades))
    found = ask("lineage", window_start=START.isoformat())["trades"]
    assert found["proven"] is False
    assert found["reason"]


@pytest.fixture
def revised(own):
    """Published with 100 an hour later, corrected to 101 two hours after that."""
    written(OHLC_1M, own, candle(close=Decimal(101), revision=2))
    written(CANDLE_REVISIONS, own, candle(interval="1m", superseded_time=REVISED))
    written(
        CANDLE_PUBLICATIONS, own, {"interval": "1m", "start": HOUR.start, "published_time": PUBLISHED, "cause": "first"}
    )


@pytest.mark.parametrize(
    ("instant", "closes"),
    [
        (PUBLISHED - timedelta(seconds=1), []),
        (PUBLISHED + timedelta(seconds=1), ["100"]),
        (REVISED + timedelta(seconds=1), ["101"]),
    ],
)
def test_candles_are_given_as_they_were_known(revised, ask, instant, closes):
    rows = ask("candles", as_of=instant.isoformat())["data"]
    assert [row["close"] for row in rows] == closes


def test_the_lineage_names_what_a_candle_was_before(revised, ask):
    found = ask("lineage", window_start=START.isoformat())
    assert [(one["revision"], one["close"]) for one in found["revisions"]] == [(1, "100")]
    assert [one["cause"] for one in found["publications"]] == ["first"]
