"""Real clients of the venues read the simulator as if it were the venue: its address is all that is changed."""

import asyncio
import itertools
import threading
import warnings

import ccxt
import httpx
import pytest
from aiohttp import web

from streaming.exchange_simulator.exchange import open_exchange
from streaming.exchange_simulator.service import build_app

with warnings.catch_warnings():
    # It names a class of websockets that is going away.
    warnings.simplefilter("ignore", DeprecationWarning)
    from binance.client import Client

HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def address():
    """A simulator in a thread of its own: the clients under test block."""
    loop, runner = asyncio.new_event_loop(), None
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def start():
        nonlocal runner
        runner = web.AppRunner(build_app(open_exchange(seed=7)), access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return runner.addresses[0][1]

    yield f"http://127.0.0.1:{asyncio.run_coroutine_threadsafe(start(), loop).result()}"
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def binance(address):
    client = ccxt.binance(
        {"enableRateLimit": False, "options": {"fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False}}
    )
    client.urls["api"]["public"] = f"{address}/api/v3"
    return client


@pytest.fixture
def kraken(address):
    client = ccxt.kraken({"enableRateLimit": False})
    client.urls["api"]["public"] = address
    return client


@pytest.fixture
def coinbase(address):
    client = ccxt.coinbaseexchange({"enableRateLimit": False})
    client.urls["api"]["public"] = f"{address}/coinbase"
    return client


CLIENTS = [("binance", "BTC/USDT"), ("kraken", "BTC/USD"), ("coinbase", "BTC/USD")]


@pytest.mark.parametrize(("name", "symbol"), CLIENTS)
def test_ccxt_reads_markets(request, name, symbol):
    client = request.getfixturevalue(name)
    market = client.load_markets()[symbol]
    assert market["active"]
    assert market["spot"]
    assert 0 < market["precision"]["price"] < 1


@pytest.mark.parametrize(("name", "symbol"), CLIENTS)
def test_ccxt_reads_trades_with_ids_in_order(request, name, symbol):
    trades = request.getfixturevalue(name).fetch_trades(symbol, limit=100)
    ids = [int(t["id"]) for t in trades]
    assert len(ids) == 100
    assert ids == list(range(ids[0], ids[0] + 100))
    assert all(t["side"] in {"buy", "sell"} and t["price"] > 0 and t["amount"] > 0 for t in trades)


@pytest.mark.parametrize("timeframe", ["1m", "1h", "1d"])
@pytest.mark.parametrize(("name", "symbol"), CLIENTS)
def test_ccxt_reads_candles_without_a_hole(request, name, symbol, timeframe):
    client = request.getfixturevalue(name)
    length = client.parse_timeframe(timeframe) * 1000
    rows = client.fetch_ohlcv(symbol, timeframe, since=client.milliseconds() - 5 * length, limit=5)
    assert len(rows) >= 4
    assert {b[0] - a[0] for a, b in itertools.pairwise(rows)} == {length}
    assert all(low <= min(o, c) <= max(o, c) <= high for _, o, high, low, c, _ in rows)


@pytest.mark.parametrize(("name", "symbol"), CLIENTS)
def test_ccxt_reads_tickers(request, name, symbol):
    ticker = request.getfixturevalue(name).fetch_ticker(symbol)
    assert ticker["bid"] < ticker["ask"]
    assert abs(ticker["last"] / ticker["ask"] - 1) < 0.001
    assert ticker["baseVolume"] > 0
    if name != "coinbase":
        assert ticker["low"] <= ticker["last"] <= ticker["high"]


def test_ccxt_names_the_errors_of_the_venues(binance, kraken, address):
    binance.load_markets()
    kraken.load_markets()
    try:
        _command(address, kind="ban", seconds=600)
        with pytest.raises(ccxt.DDoSProtection):
            binance.fetch_time()
        with pytest.raises(ccxt.DDoSProtection):
            kraken.fetch_time()
        _command(address, kind="http_5xx", seconds=600, clear=True)
        for client in (binance, kraken):
            with pytest.raises(ccxt.OperationFailed):
                client.fetch_time()
    finally:
        _clear(address)


def _command(address, *, clear=False, **fault):
    if clear:
        _clear(address)
    httpx.post(f"{address}/sim/faults", json=fault).raise_for_status()


def _clear(address):
    httpx.delete(f"{address}/sim/faults").raise_for_status()


@pytest.fixture
def python_binance(address):
    client = Client(ping=False)
    client.API_URL = f"{address}/api"
    yield client
    client.close_connection()
    # It opens a loop for its sockets whether or not they are used.
    client.loop.close()
    asyncio.set_event_loop(None)


def test_python_binance_reads_the_same_numbers_as_ccxt(binance, python_binance):
    client = python_binance
    assert client.ping() == {}
    assert client.get_symbol_info("BTCUSDT")["status"] == "TRADING"
    first = int(client.get_recent_trades(symbol="BTCUSDT", limit=50)[0]["id"])
    rows = client.get_aggregate_trades(symbol="BTCUSDT", limit=10)
    assert len(rows) == 10
    trades = client.get_historical_trades(symbol="BTCUSDT", fromId=first, limit=10)
    assert [t["id"] for t in trades] == list(range(first, first + 10))
    start = binance.milliseconds() // HOUR_MS * HOUR_MS - 2 * HOUR_MS
    klines = client.get_klines(symbol="BTCUSDT", interval="1h", startTime=start, limit=2)
    assert [[float(x) for x in k[1:6]] for k in klines] == [
        row[1:] for row in binance.fetch_ohlcv("BTC/USDT", "1h", since=start, limit=2)
    ]
    assert float(client.get_ticker(symbol="BTCUSDT")["quoteVolume"]) > 0
    assert {"BTCUSDT", "ETHUSDT"} < {t["symbol"] for t in client.get_orderbook_tickers()}
