"""The real clients, ccxt and python-binance, with nothing changed but the address: what they return is the lake's."""

import threading
import time
import warnings
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import ccxt
import polars as pl
import pytest
import uvicorn

from benchmarks.inputs.candle_lake import write_candles
from cryptoviz.lake.candle_tables import OHLC_1M
from cryptoviz.lake.symbols import Instrument, Venue
from cryptoviz.serving.app import create_app
from cryptoviz.serving.live import Live
from cryptoviz.serving.minute import LiveQuote, LiveTrade, microseconds
from cryptoviz.serving.parts import Parts
from cryptoviz.settings import Settings
from cryptoviz.storage.frames import scan

with warnings.catch_warnings():
    # python-binance imports names that websockets is about to drop.
    warnings.simplefilter("ignore", DeprecationWarning)
    from binance.client import Client
    from binance.exceptions import BinanceAPIException

BTC, ETH = Instrument(Venue.BINANCE, "BTC-USDT"), Instrument(Venue.BINANCE, "ETH-USDT")
NOW = datetime(2026, 11, 20, 10, 20, 30, tzinfo=UTC)
MINUTE_MS = 60_000


def a_trade(number, time_us):
    return LiveTrade(
        instrument=BTC, first_id=number, last_id=number, time_us=time_us, price=Decimal(60_000 + number % 100),
        quantity=Decimal("0.5"), is_buyer_aggressor=number % 2 == 0,
    )  # fmt: skip


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    made = Settings(
        store="local", lake_uri=str(tmp_path_factory.mktemp("lake")), instruments="binance:BTC-USDT,binance:ETH-USDT"
    )
    write_candles(made.lake, [BTC, ETH], end=NOW.replace(second=0), days=2)
    return made


@pytest.fixture(scope="module")
def address(settings):
    live = Live(listening_since=NOW - timedelta(minutes=5), clock=NOW.timestamp)
    at, one = microseconds(NOW), Decimal(1)
    live.accept(
        [a_trade(9_000_000 + n, at + n) for n in range(20)],
        [LiveQuote(instrument=BTC, time_us=at, bid=Decimal(60_018), bid_quantity=one, ask=Decimal(60_020),
                   ask_quantity=one)],
    )  # fmt: skip
    app = create_app(Parts(settings=settings, live=live, clock=lambda: NOW))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def lake(settings):
    """Minutes of BTC-USDT with trades, by start in milliseconds."""
    rows = scan(OHLC_1M, settings.lake).filter(pl.col("symbol") == BTC.symbol, pl.col("trade_count") > 0).collect()
    return {int(row["window_start"].timestamp() * 1000): row for row in rows.iter_rows(named=True)}


def moved(value, address):
    """The URLs of ccxt's description, on another host."""
    if isinstance(value, dict):
        return {name: moved(one, address) for name, one in value.items()}
    return address + "/" + value.split("/", 3)[3] if value.startswith("https://") and value.count("/") >= 3 else value


@pytest.fixture
def exchange(address):
    made = ccxt.binance()
    made.urls["api"] = moved(made.urls["api"], address)
    yield made
    made.close()


@pytest.fixture
def client(address):
    class Here(Client):
        API_URL = f"{address}/api"

    made = Here()
    yield made
    made.close_connection()


def test_ccxt_lists_the_markets(exchange):
    markets = exchange.load_markets()
    assert set(markets) == {"BTC/USDT", "ETH/USDT"}
    assert markets["BTC/USDT"]["precision"]["price"] == 0.01


def test_ccxts_candles_are_the_lakes(exchange, lake):
    since = int(NOW.timestamp() * 1000) - 900 * MINUTE_MS
    rows = exchange.fetch_ohlcv("BTC/USDT", "1m", since=since, limit=800)
    assert len(rows) >= 750
    compared = 0
    for start, *values in rows:
        if start in lake:
            expected = [float(lake[start][name]) for name in ("open", "high", "low", "close", "volume")]
            assert values == expected
            compared += 1
    assert compared > 700


def test_ccxt_reads_tickers_trades_and_quotes(exchange):
    ticker = exchange.fetch_ticker("BTC/USDT")
    assert (ticker["last"], ticker["bid"], ticker["ask"]) == (60_019.0, 60_018.0, 60_020.0)
    trades = exchange.fetch_trades("BTC/USDT", limit=5)
    assert [trade["price"] for trade in trades] == [60_015.0, 60_016.0, 60_017.0, 60_018.0, 60_019.0]
    assert set(exchange.fetch_tickers()) == {"BTC/USDT", "ETH/USDT"}


def test_ccxt_knows_our_errors_as_its_own(exchange):
    exchange.load_markets()
    with pytest.raises(ccxt.BadSymbol):
        exchange.public_get_klines({"symbol": "NOPE", "interval": "1m"})
    with pytest.raises(ccxt.BadRequest):
        exchange.public_get_klines({"symbol": "BTCUSDT", "interval": "7m"})


def test_python_binances_candles_are_the_lakes(client, lake):
    rows = client.get_klines(symbol="BTCUSDT", interval="1m", limit=1000)
    assert len(rows) == 1000
    for row in rows:
        if row[0] in lake:
            candle = lake[row[0]]
            assert [Decimal(text) for text in row[1:6]] == [
                candle[n] for n in ("open", "high", "low", "close", "volume")
            ]
            assert row[8] == candle["trade_count"]
            assert [Decimal(row[n]) for n in (7, 9, 10)] == [
                candle[n] for n in ("quote_volume", "taker_buy_volume", "taker_buy_quote_volume")
            ]
    assert sum(row[0] in lake for row in rows) > 900


def test_python_binance_pages_through_history(client, lake):
    start = int(NOW.timestamp() * 1000) - 2000 * MINUTE_MS
    rows = client.get_historical_klines("BTCUSDT", "1m", start, int(NOW.timestamp() * 1000))
    starts = [row[0] for row in rows]
    assert starts == sorted(set(starts))
    assert {start_ms for start_ms in lake if start <= start_ms} <= set(starts)


def test_python_binance_reads_what_else_there_is(client):
    assert client.get_symbol_info("ETHUSDT")["baseAsset"] == "ETH"
    assert client.get_symbol_ticker(symbol="BTCUSDT")["price"] == "60019.00000000"
    assert client.get_orderbook_ticker(symbol="BTCUSDT")["askPrice"] == "60020.00000000"
    assert len(client.get_recent_trades(symbol="BTCUSDT")) == 20
    assert client.get_aggregate_trades(symbol="BTCUSDT", limit=2)[-1]["p"] == "60019.00000000"
    assert client.get_server_time()["serverTime"] == int(NOW.timestamp() * 1000)


def test_python_binance_knows_our_errors_as_its_own(client):
    with pytest.raises(BinanceAPIException) as refused:
        client.get_klines(symbol="NOPE", interval="1m")
    assert refused.value.code == -1121
