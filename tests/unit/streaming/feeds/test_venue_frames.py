"""Frames in the shape the venues document, to records with the venue's own bytes."""

import json

import pytest

from cryptoviz.lake.symbols import Instrument, Venue
from cryptoviz.lake.topics import BOOK_TICKERS, TRADES
from streaming.feeds.binance import Binance
from streaming.feeds.kraken import Kraken

BTC_USDT, BTC_USD = Instrument(Venue.BINANCE, "BTC-USDT"), Instrument(Venue.KRAKEN, "BTC-USD")
BOOK_TICKER = b'{"u":400900217,"s":"BTCUSDT","b":"25.35190000","B":"31.21000000","a":"25.36520000","A":"40.66000000"}'
TICKER = (
    b'{"symbol":"BTC/USD","bid":0.10025,"bid_qty":740.0,"ask":0.10036,"ask_qty":1361.44813783,"last":0.10035,'
    b'"volume":997038.98383185,"vwap":0.10148,"low":0.09979,"high":0.10285,"change":-0.00017,"change_pct":-0.17,'
    b'"timestamp":"2026-11-20T08:30:00.123456Z"}'
)


@pytest.fixture
def binance():
    return Binance(rest_url="http://127.0.0.1:1", socket_url="ws://127.0.0.1:1", instruments=[BTC_USDT])


@pytest.fixture
def kraken():
    return Kraken(rest_url="http://127.0.0.1:1", socket_url="ws://127.0.0.1:1")


def parse(feed, frame):
    return feed.parse_frame(frame, connection="c", received_ns=7)


def test_a_book_ticker_of_binance_keeps_its_bytes_and_its_update_id(binance):
    (record,) = parse(binance, b'{"stream":"btcusdt@bookTicker","data":' + BOOK_TICKER + b"}")
    assert (record.instrument, record.topic, record.value) == (BTC_USDT, BOOK_TICKERS, BOOK_TICKER)
    assert (record.first_id, record.last_id, record.time_us) == (400900217, 400900217, 0)
    assert record.schema == "binance.ws.bookTicker"


def test_a_ticker_of_kraken_keeps_its_bytes_and_its_time(kraken):
    (record,) = parse(kraken, b'{"channel":"ticker","type":"update","data":[' + TICKER + b"]}")
    assert (record.instrument, record.topic, record.value) == (BTC_USD, BOOK_TICKERS, TICKER)
    assert record.time_us == 1_795_163_400_123_456
    assert record.schema == "kraken.ws.ticker"


@pytest.mark.parametrize(
    "frame",
    [
        b'{"method":"subscribe","error":"Currency pair not supported BTC/USD","success":false}',
        b'{"channel":"heartbeat"}',
        b'{"channel":"status","type":"update","data":[{"system":"online"}]}',
    ],
)
def test_what_kraken_says_of_itself_is_no_record(kraken, frame):
    assert parse(kraken, frame) == []


@pytest.mark.parametrize("frame", [b'{"result":null,"id":1}', b'{"error":{"code":2,"msg":"Invalid request"},"id":1}'])
def test_what_binance_answers_is_no_record(binance, frame):
    assert parse(binance, frame) == []


def test_streams_that_were_not_asked_for_are_left_out(binance):
    assert parse(binance, b'{"stream":"btcusdt@depth","data":{"x":1}}') == []


def test_each_channel_is_asked_for_by_itself(binance, kraken):
    assert json.loads(binance.subscribe_frames(BOOK_TICKERS, [BTC_USDT])[0])["params"] == ["btcusdt@bookTicker"]
    assert json.loads(binance.subscribe_frames(TRADES, [BTC_USDT])[0])["params"] == ["btcusdt@trade"]
    params = json.loads(kraken.subscribe_frames(BOOK_TICKERS, [BTC_USD])[0])["params"]
    assert params == {"channel": "ticker", "event_trigger": "bbo", "symbol": ["BTC/USD"]}
