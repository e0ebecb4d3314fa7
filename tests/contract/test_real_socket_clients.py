"""Real socket clients of the venues listen to the simulator as if to the venue: its address is all that is changed."""

import asyncio

import ccxt.pro
import pytest
from aiohttp.test_utils import TestServer

from streaming.exchange_simulator.exchange import open_exchange
from streaming.exchange_simulator.service import build_app


def binance(address):
    client = ccxt.pro.binance({"options": {"fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False}})
    client.urls["api"]["public"] = f"http://{address}/api/v3"
    client.urls["api"]["ws"]["spot"] = f"ws://{address}/ws"
    return client


def kraken(address):
    client = ccxt.pro.kraken()
    client.urls["api"]["public"] = f"http://{address}"
    client.urls["api"]["ws"]["publicV2"] = f"ws://{address}/v2"
    return client


def coinbase(address):
    client = ccxt.pro.coinbaseexchange()
    client.urls["api"]["public"] = f"http://{address}/coinbase"
    client.urls["api"]["ws"] = f"ws://{address}/coinbase/ws"
    return client


def listening(make, body):
    async def inside():
        exchange = open_exchange(seed=7, rate=20)
        async with TestServer(build_app(exchange)) as server, make(f"{server.host}:{server.port}") as client:
            return await asyncio.wait_for(body(client), 60)

    return asyncio.run(inside())


CLIENTS = [(binance, "BTC/USDT"), (kraken, "BTC/USD"), (coinbase, "BTC/USD")]


@pytest.mark.parametrize(("make", "symbol"), CLIENTS)
def test_ccxt_hears_trades_without_a_hole(make, symbol):
    async def body(client):
        ids = []
        while len(set(ids)) < 60:
            ids += [int(trade["id"]) for trade in await client.watch_trades(symbol)]
        return sorted(set(ids))

    ids = listening(make, body)
    assert ids == list(range(ids[0], ids[0] + len(ids)))


@pytest.mark.parametrize(("make", "symbol"), CLIENTS)
def test_ccxt_hears_tickers(make, symbol):
    ticker = listening(make, lambda client: client.watch_ticker(symbol))
    assert ticker["symbol"] == symbol
    assert ticker["bid"] < ticker["ask"]
    assert ticker["low"] <= ticker["last"] <= ticker["high"]


@pytest.mark.parametrize(("make", "symbol"), CLIENTS[:2])
def test_ccxt_hears_the_best_bid_and_ask(make, symbol):
    row = listening(make, lambda client: client.watch_bids_asks([symbol]))[symbol]
    assert row["bid"] < row["ask"]
    assert row["bidVolume"] > 0


@pytest.mark.parametrize(("make", "symbol"), CLIENTS[:2])
def test_ccxt_hears_candles(make, symbol):
    async def body(client):
        return list(await client.watch_ohlcv(symbol, "1m"))

    for _, opened, high, low, close, _ in listening(make, body):
        assert float(low) <= min(float(opened), float(close)) <= max(float(opened), float(close)) <= float(high)
