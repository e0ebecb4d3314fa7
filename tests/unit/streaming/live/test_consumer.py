from datetime import UTC, datetime
from decimal import Decimal

import pytest

from cryptoviz.lake.symbols import Venue
from cryptoviz.lake.topics import Headers
from cryptoviz.serving.minute import LiveQuote, LiveTrade
from streaming.live.consumer import live_message

BINANCE_TRADE = b'{"e":"trade","s":"BTCUSDT","t":7,"p":"100.50","q":"0.25","T":1700000000123,"m":true}'
KRAKEN_TRADE = (
    b'{"symbol":"BTC/USD","side":"buy","price":64000.1,"qty":0.5,"ord_type":"limit","trade_id":9,'
    b'"timestamp":"2026-01-02T03:04:05.123456Z"}'
)
COINBASE_TRADE = (
    b'{"type":"match","trade_id":11,"sequence":50,"maker_order_id":"m","taker_order_id":"t","time":'
    b'"2026-01-02T03:04:05.123456Z","product_id":"BTC-USD","size":"0.5","price":"64000.10","side":"sell"}'
)
BOOK_TICKER = b'{"u":400900217,"s":"BNBUSDT","b":"25.35","B":"31.2","a":"25.36","A":"40.6"}'


class Record:
    """A Kafka record as the client hands it over."""

    def __init__(self, value, *, schema, key, source="ws", received_ns=5_000_000):
        self._value, self._key = value, key.encode()
        self._headers = Headers(schema=schema, source=source, received_ns=received_ns, connection="c").encode()

    def value(self):
        return self._value

    def key(self):
        return self._key

    def headers(self):
        return self._headers


def test_a_trade_of_binance_is_exact_and_in_microseconds():
    said = live_message(Record(BINANCE_TRADE, schema="binance.ws.trade", key="binance:BTC-USDT"))
    assert isinstance(said, LiveTrade)
    assert (said.price, said.quantity) == (Decimal("100.50"), Decimal("0.25"))
    assert (said.first_id, said.time_us, said.is_buyer_aggressor) == (7, 1_700_000_000_123_000, False)


def test_a_trade_of_kraken_keeps_its_own_microseconds():
    said = live_message(Record(KRAKEN_TRADE, schema="kraken.ws.trade", key="kraken:BTC-USD"))
    assert said.instrument.venue is Venue.KRAKEN
    assert said.time_us % 1_000_000 == 123_456
    assert said.price == Decimal("64000.1")


def test_a_trade_of_coinbase_is_of_now_and_not_of_the_year_58000():
    said = live_message(Record(COINBASE_TRADE, schema="coinbase.ws.match", key="coinbase:BTC-USD"))
    assert datetime.fromtimestamp(said.time_us / 1e6, UTC).year == 2026
    assert said.price == Decimal("64000.10")


def test_a_quote_without_a_time_has_that_of_its_reception():
    said = live_message(Record(BOOK_TICKER, schema="binance.ws.bookTicker", key="binance:BNB-USDT"))
    assert isinstance(said, LiveQuote)
    assert (said.bid, said.ask, said.time_us) == (Decimal("25.35"), Decimal("25.36"), 5_000)


def test_a_replay_of_the_past_is_not_live():
    record = Record(BINANCE_TRADE, schema="binance.ws.trade", key="binance:BTC-USDT", source="replay")
    assert live_message(record) is None


@pytest.mark.parametrize(
    ("value", "schema", "key"),
    [
        (b"{", "binance.ws.trade", "binance:BTC-USDT"),
        (None, "binance.ws.trade", "binance:BTC-USDT"),
        (BINANCE_TRADE, "nobody.knows", "binance:BTC-USDT"),
        (BINANCE_TRADE, "binance.ws.trade", "nowhere"),
        (BINANCE_TRADE.replace(b"100.50", b"NaN"), "binance.ws.trade", "binance:BTC-USDT"),
        (BINANCE_TRADE.replace(b"100.50", b"1e999"), "binance.ws.trade", "binance:BTC-USDT"),
        (BINANCE_TRADE.replace(b"100.50", b"-1"), "binance.ws.trade", "binance:BTC-USDT"),
    ],
)
def test_what_cannot_be_read_is_left_to_the_lake(value, schema, key):
    assert live_message(Record(value, schema=schema, key=key)) is None
