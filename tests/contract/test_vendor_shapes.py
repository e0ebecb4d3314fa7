"""What the simulated vendors answer has the shape of what the real ones answered when recorded, errors included."""

import asyncio
import json

import pytest
from aiohttp.test_utils import TestClient, TestServer

from streaming.exchange_simulator.exchange import open_exchange
from streaming.exchange_simulator.service import build_app

KEY = {"X-CMC_PRO_API_KEY": "key"}


def asked(path, *, fault=None, headers=None):
    async def inside():
        exchange = open_exchange(seed=7)
        if fault:
            exchange.faults.add(kind=fault)
        async with TestClient(TestServer(build_app(exchange))) as client, client.get(path, headers=headers) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text[:1] in "[{" else text

    return asyncio.run(inside())


def shape(value):
    """Names and kinds of a body: of a list the first element's, of a mapping by coin one coin's."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def misfits(recorded, ours, at=""):
    """Where our body lacks a name of the recorded one or has another kind there; nulls fit anything."""
    if isinstance(recorded, dict) and isinstance(ours, dict):
        missing = [f"{at}.{name} is missing" for name in recorded if name not in ours]
        return missing + [m for n in recorded if n in ours for m in misfits(recorded[n], ours[n], f"{at}.{n}")]
    if isinstance(recorded, list) and isinstance(ours, list):
        return misfits(recorded[0], ours[0], f"{at}[0]") if recorded and ours else []
    if "NoneType" in {recorded, ours} or recorded == ours:
        return []
    return [f"{at} is {ours}, recorded {recorded}"]


MARKETS = "200_coins-markets-order-market-cap-desc-per-page-250-sparkline-false-price-change-percentage-1_77dcb9.json"
SPANS = "1h,24h,7d,14d,30d,200d,1y"
GOOD = [
    ("coingecko", "200_coins-markets-ids-bitcoin-vs-currency-usd_30de94.json",
     "/coingecko/api/v3/coins/markets?ids=bitcoin&vs_currency=usd", None),
    ("coingecko", MARKETS, f"/coingecko/api/v3/coins/markets?vs_currency=usd&price_change_percentage={SPANS}", None),
    ("coingecko", "200_simple-price-ids-bitcoin-vs-currencies-ethereum_54ef82.json",
     "/coingecko/api/v3/simple/price?ids=bitcoin&vs_currencies=ethereum", None),
    ("coinmarketcap", "200_cryptocurrency-listings-latest_e41a01.json",
     "/coinmarketcap/v1/cryptocurrency/listings/latest", KEY),
    ("cryptocompare", "200_data-price-fsym-AIR-tsyms-USD_c27edc.json",
     "/cryptocompare/data/price?fsym=BTC&tsyms=USD", None),
    ("cryptocompare", "200_data-histohour-fsym-BTC-limit-10-tsym-USD_c2bfe6.json",
     "/cryptocompare/data/histohour?fsym=BTC&limit=10&tsym=USD", None),
    ("cryptocompare", "200_data-pricemultifull-fsyms-BTC-tsyms-USD_d54daf.json",
     "/cryptocompare/data/pricemultifull?fsyms=BTC&tsyms=USD", None),
    ("finnhub", "200_quote-symbol-AAPL-token-REDACTED_c3cd0e.json", "/finnhub/api/v1/quote?symbol=AAPL&token=t", None),
]  # fmt: skip


@pytest.mark.parametrize(("vendor", "file", "path", "headers"), GOOD, ids=[f"{g[0]}-{g[2]}" for g in GOOD])
def test_a_good_answer_has_every_name_of_the_recorded_one(recordings, vendor, file, path, headers):
    recorded = json.loads((recordings / "api" / vendor / file).read_text())
    status, body = asked(path, headers=headers)
    assert status == recorded["status"]
    assert misfits(shape(recorded["body"]), shape(body)) == []


ERRORS = [
    ("coingecko/422_coins-markets-ids-bitcoin_da0283.json", "/coingecko/api/v3/coins/markets?ids=bitcoin", None),
    ("coingecko/422_simple-price_b7138e.json", "/coingecko/api/v3/simple/price", None),
    ("errors_quoted/coingecko_429.json", "/coingecko/api/v3/simple/price", "rate_limit"),
    ("finnhub/401_stock-recommendation-symbol-TSLA-token-REDACTED_365791.json",
     "/finnhub/api/v1/quote?symbol=AAPL&token=invalid", None),
    ("errors_quoted/finnhub_429.json", "/finnhub/api/v1/quote?symbol=AAPL&token=t", "rate_limit"),
    ("errors_quoted/finnhub_429_empty_token.json", "/finnhub/api/v1/quote?symbol=AAPL", None),
]  # fmt: skip


@pytest.mark.parametrize(("file", "path", "fault"), ERRORS, ids=[e[0] for e in ERRORS])
def test_an_error_is_said_in_the_vendors_own_words(recordings, file, path, fault):
    recorded = json.loads((recordings / "api" / file).read_text())
    assert asked(path, fault=fault) == (recorded["status"], recorded["body"] or recorded["body_text"])


NUMBERED = [
    ("errors_quoted/cmc_1002_key_missing.json", "/coinmarketcap/v1/cryptocurrency/listings/latest", None),
    ("coinmarketcap/403_exchange-info_9ba7fe.json", "/coinmarketcap/v1/exchange/info", KEY),
]


@pytest.mark.parametrize(("file", "path", "headers"), NUMBERED, ids=[e[0] for e in NUMBERED])
def test_coinmarketcap_numbers_its_errors(recordings, file, path, headers):
    recorded = json.loads((recordings / "api" / file).read_text())
    status, body = asked(path, headers=headers)
    said = recorded["body"]["status"]
    assert status == recorded["status"]
    assert set(body["status"]) == set(said)
    assert (body["status"]["error_code"], body["status"]["error_message"]) == (
        said["error_code"],
        said["error_message"],
    )


def test_cryptocompare_and_binance_say_limits_as_quoted(recordings):
    folder = recordings / "api" / "errors_quoted"
    quoted = json.loads((folder / "cryptocompare_200_rate_limit.json").read_text())
    status, body = asked("/cryptocompare/data/price?fsym=BTC&tsyms=USD", fault="rate_limit")
    names = ("Response", "Message", "HasWarning", "Type", "Data")
    assert (status, [body[n] for n in names]) == (quoted["status"], [quoted["body"][n] for n in names])
    quoted = json.loads((folder / "binance_418_ip_ban.json").read_text())
    status, body = asked("/api/v3/time", fault="ban")
    assert (status, body["code"]) == (quoted["status"], quoted["body"]["code"])
    assert body["msg"].split("until")[0] == quoted["body"]["msg"].split("until")[0]


BINANCE = {
    "ticker24hr_BTCUSDT.json": "/api/v3/ticker/24hr?symbol=BTCUSDT",
    "bookTicker_BTCUSDT.json": "/api/v3/ticker/bookTicker?symbol=BTCUSDT",
    "ticker_price_BTCUSDT.json": "/api/v3/ticker/price?symbol=BTCUSDT",
    "avgPrice_BTCUSDT.json": "/api/v3/avgPrice?symbol=BTCUSDT",
    "trades_BTCUSDT_1000.json": "/api/v3/trades?symbol=BTCUSDT",
    "historicalTrades_BTCUSDT_5.json": "/api/v3/historicalTrades?symbol=BTCUSDT&limit=5",
    "aggTrades_BTCUSDT_1000.json": "/api/v3/aggTrades?symbol=BTCUSDT",
    "klines_1m_BTCUSDT_60.json": "/api/v3/klines?symbol=BTCUSDT&interval=1m",
}


@pytest.mark.parametrize("file", sorted(BINANCE))
def test_bodies_of_binance_have_every_name_of_the_recorded_ones(recordings, file):
    recorded = json.loads((recordings / "api" / "binance_rest" / file).read_text())
    status, body = asked(BINANCE[file])
    assert status == 200
    assert misfits(shape(recorded["body"]), shape(body)) == []
    if "klines" in file:
        assert [shape(x) for x in body[0]] == [shape(x) for x in recorded["body"][0]]
