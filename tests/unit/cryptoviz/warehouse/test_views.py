"""The questions that earlier pipelines asked of their tables, asked of ours under the same names and columns."""

from datetime import timedelta
from decimal import Decimal

import polars as pl
import pytest

from cryptoviz.lake.schema import Type
from cryptoviz.lake.tables import QUOTES, TRADES
from cryptoviz.storage.frames import empty
from cryptoviz.storage.partition_files import PartitionState
from cryptoviz.warehouse.load import load_partition
from cryptoviz.warehouse.publications import BY_NAME
from cryptoviz.warehouse.server import Role

_FILLED = {Type.STRING: "v", Type.INT32: 1, Type.INT64: 1, Type.DECIMAL: Decimal(1), Type.BOOL: False}


def a_trade(number: int, time, price: str) -> dict:
    return {
        "venue": "binance", "symbol": "ETH-USDT", "trade_id": number, "last_trade_id": number, "event_time": time,
        "price": Decimal(price), "quantity": Decimal("0.5"), "quote_quantity": Decimal(price) / 2, "side": "buy",
        "source": "ws", "received_time": None, "lateness_ms": 5, "topic": "trades", "partition": 0, "offset": number,
        "kafka_time": time, "row_hash": number,
    }  # fmt: skip


@pytest.fixture
def trades(postgres, hour):
    """Three trades in the first minute, one in the second."""
    ids = hour.number * 10
    times = [hour.start + timedelta(seconds=s) for s in (0, 20, 40, 60)]
    rows = [a_trade(ids + n, time, price) for n, (time, price) in enumerate(zip(times, "1237", strict=True))]
    frame = pl.DataFrame(rows, schema=empty(TRADES).schema)
    with postgres.connect(Role.LOADER) as connection:
        state = PartitionState(table_id="t", lake_version=1, digest="d")
        load_partition(connection, BY_NAME["trades"], hour, state, frame)
    return hour


def test_the_average_price_of_each_minute(trades, ask):
    rows = ask(
        """SELECT symbol, date_trunc('minute', event_timestamp) AS minute_bucket, AVG(price) AS avg_price
           FROM crypto.crypto_prices_clean WHERE event_timestamp >= %s AND event_timestamp < %s
           GROUP BY symbol, date_trunc('minute', event_timestamp) ORDER BY minute_bucket DESC LIMIT 100""",
        trades.start,
        trades.end,
    )
    assert rows == [("ETHUSDT", trades.start + timedelta(minutes=1), 7), ("ETHUSDT", trades.start, 2)]


def test_the_time_of_a_clean_price_is_there_in_seconds_too(trades, ask):
    query = "SELECT event_time, price FROM crypto.crypto_prices_clean WHERE event_timestamp = %s"
    assert ask(query, trades.start) == [(int(trades.start.timestamp()), 1)]


def test_the_list_of_one_minute_candles(hour, minutes, load, ask):
    traded = minutes(hour).head(2)
    quiet = minutes(hour, open=None, high=None, low=None, close=None, trade_count=0).slice(2)
    load(hour, pl.concat([traded, quiet]), version=1)
    rows = ask(
        """SELECT symbol, window_start, window_end, open_price, high_price, low_price, close_price, trade_count
           FROM crypto.crypto_prices_agg_1min WHERE window_start >= %s AND window_start < %s
           ORDER BY window_start DESC LIMIT 100""",
        hour.start,
        hour.end,
    )
    second = hour.start + timedelta(minutes=1)
    price = Decimal("100.25")
    assert rows[0] == ("BTCUSDT", second, second + timedelta(minutes=1), price, price, price, price, 3)
    assert len(rows) == 2, "a minute without trades is no row, as it was"


@pytest.fixture
def quotes(postgres, hour):
    """One quote of a coin and one of a stock."""
    numbers = dict.fromkeys(("price", "volume_24h", "market_cap", "change_24h", "high_24h", "low_24h"), Decimal(7))
    values = {c.name: _FILLED.get(c.type, hour.start) for c in QUOTES.columns} | numbers | {"partition": hour.number}
    rows = [
        {**values, "venue": venue, "symbol": symbol, "offset": offset}
        for offset, (venue, symbol) in enumerate((("cryptocompare", "BTC-USD"), ("finnhub", "AAPL-USD")))
    ]
    frame = pl.DataFrame(rows, schema=empty(QUOTES).schema)
    with postgres.connect(Role.LOADER) as connection:
        state = PartitionState(table_id="t", lake_version=1, digest="d")
        load_partition(connection, BY_NAME["quotes"], hour, state, frame)
    return hour


@pytest.mark.parametrize(
    ("table", "columns", "row"),
    [
        (
            "crypto_data",
            "symbol, source, price, volume_24h, market_cap, change_24h",
            ("BTC", "cryptocompare", 7, 7, 7, 7),
        ),
        ("stock_data", "symbol, source, price, day_high, day_low, change_pct", ("AAPL", "finnhub", 7, 7, 7, 7)),
    ],
)
def test_price_volume_and_trend_of_the_bi_dashboard(quotes, ask, table, columns, row):
    rows = ask(f'SELECT {columns} FROM crypto.{table} WHERE "timestamp" = %s ORDER BY 1', quotes.start)
    assert rows == [row]


def test_a_line_of_prices_and_candles_as_a_dashboard_draws_them(hour, minutes, load, ask):
    load(hour, minutes(hour), version=1)
    rows = ask(
        """SELECT window_start AS "time", close_price, high_price, low_price FROM crypto.crypto_prices_agg_1min
           WHERE symbol = 'BTCUSDT' AND window_start BETWEEN %s AND %s ORDER BY 1""",
        hour.start,
        hour.end,
    )
    assert len(rows) == 60
