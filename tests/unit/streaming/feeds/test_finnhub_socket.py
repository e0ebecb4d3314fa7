import json

import msgspec
import pytest

from cryptoviz.lake.symbols import Instrument, Venue
from cryptoviz.lake.topics import QUOTES
from streaming.feeds.finnhub_socket import FinnhubSocket
from streaming.feeds.messages import parse_all

AAPL = Instrument(Venue.FINNHUB, "AAPL-USD")
KEY = {"token": "t"}
TRADE = b'{"p":7296.89,"s":"AAPL","t":1575526691134,"v":0.011467,"c":["1"]}'


def parse(frame):
    return FinnhubSocket(url="ws://x", **KEY).parse_frame(frame, connection="c", received_ns=7)


def test_each_trade_of_a_message_is_a_quote_in_the_vendors_bytes():
    records = parse(b'{"data":[' + TRADE + b"," + TRADE + b'],"type":"trade"}')
    assert [(r.instrument, r.value, r.topic, r.time_us) for r in records] == [
        (AAPL, TRADE, QUOTES, 1_575_526_691_134_000)
    ] * 2
    (quote,) = parse_all(records[0].schema, [TRADE])
    assert (quote.price, quote.symbol) == ("7296.89", "AAPL")


@pytest.mark.parametrize("frame", [b'{"type":"ping"}', b'{"msg":"Invalid symbol X","type":"error"}'])
def test_pings_and_errors_are_no_quotes(frame):
    assert parse(frame) == []


def test_what_is_no_message_is_not_understood():
    with pytest.raises(msgspec.DecodeError):
        parse(b"<html>")


def test_each_symbol_is_subscribed_to_by_itself():
    frames = FinnhubSocket(url="ws://x", **KEY).subscribe_frames(QUOTES, [AAPL])
    assert [json.loads(frame) for frame in frames] == [{"type": "subscribe", "symbol": "AAPL"}]
