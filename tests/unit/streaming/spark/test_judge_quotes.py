import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.locations import Location
from cryptoviz.lake.tables import QUOTES
from cryptoviz.storage.objects import Objects
from streaming.spark.clean_task import Kind, clean_topic
from streaming.spark.judge_quotes import judge_quotes

NOW = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
FIRST = Hour(datetime(2026, 1, 1, tzinfo=UTC))


def coingecko(**fields):
    whole = {
        "id": "bitcoin", "symbol": "btc", "current_price": 49053, "market_cap": 917825524991,
        "total_volume": 61679663434, "high_24h": 51300, "low_24h": 48019, "price_change_percentage_24h": -4.37931,
        "price_change_percentage_1h_in_currency": 1.25e-05, "price_change_percentage_7d_in_currency": None,
        "last_updated": "2026-11-20T15:29:00.000Z", "roi": None,
    }  # fmt: skip
    return json.dumps(whole | fields).encode()


def finnhub(price, at):
    return json.dumps(
        {"c": price, "d": -1, "dp": -0.5, "h": 0, "l": 0, "o": 0, "pc": 2, "t": int(at.timestamp())}
    ).encode()


def records(*values, key="coingecko:BTC-USD", schema="coingecko.rest.market", received=NOW):
    n = len(values)
    return pa.table(
        {
            "topic": ["quotes"] * n,
            "partition": pa.array([0] * n, pa.int32()),
            "offset": pa.array(range(n), pa.int64()),
            "kafka_time": pa.array([received] * n, pa.timestamp("us", "UTC")),
            "key": pa.array([key] * n, pa.string()),
            "schema": [schema] * n,
            "source": ["sampled"] * n,
            "received_time": pa.array([received] * n, pa.timestamp("us", "UTC")),
            "connection": ["rest"] * n,
            "value": pa.array(values, pa.binary()),
            "row_hash": pa.array([0] * n, pa.int64()),
        }
    )


def row(*values, **how):
    judged = judge_quotes(records(*values, **how), first_hour=FIRST)
    assert judged.refusals == {}
    return judged.rows.row(0, named=True)


def reason(value, **how):
    return judge_quotes(records(value, **how), first_hour=FIRST).refusals[0][0]


def test_a_quote_keeps_every_field_and_what_the_vendor_does_not_say_is_null():
    found = row(coingecko())
    assert (found["venue"], found["symbol"], found["price"]) == ("coingecko", "BTC-USD", Decimal(49053))
    assert (found["market_cap"], found["volume_24h"]) == (Decimal(917825524991), Decimal(61679663434))
    assert (found["change_1h"], found["change_24h"]) == (Decimal("0.0000125"), Decimal("-4.37931"))
    assert found["change_7d"] is None
    assert found["bid_price"] is None
    assert (found["age_ms"], found["is_stale"]) == (60_000, False)


BODIES = {
    "coingecko.rest.market": (coingecko(name="Bitcoin", price_change_24h=-2246.5), "Bitcoin", Decimal("-2246.5")),
    "coinmarketcap.rest.listing": (
        b'{"id":1,"name":"Bitcoin","symbol":"BTC","quote":{"USD":{"price":1.5}}}', "Bitcoin", None,
    ),
    "cryptocompare.rest.full": (
        b'{"FROMSYMBOL":"BTC","TOSYMBOL":"USD","PRICE":1.5,"LASTUPDATE":1763650000,"CHANGE24HOUR":-0.25}', None,
        Decimal("-0.25"),
    ),
    "binance.rest.ticker24h": (
        b'{"symbol":"BTCUSD","lastPrice":"1.5","closeTime":1763650000000,"priceChange":"-0.25000000"}', None,
        Decimal("-0.25"),
    ),
    "finnhub.rest.quote": (b'{"c":1.5,"d":-0.25,"dp":-0.5,"h":0,"l":0,"o":0,"pc":2,"t":1763650000}', None,
                           Decimal("-0.25")),
}  # fmt: skip


@pytest.mark.parametrize("schema", BODIES)
def test_names_and_absolute_changes_are_kept_where_a_vendor_gives_them(schema):
    value, name, change = BODIES[schema]
    found = row(value, key=f"{schema.split('.')[0]}:BTC-USD", schema=schema)
    assert (found["name"], found["price_change_24h"], found["other_fields"]) == (name, change, None)


def test_binary_fractions_are_rounded_half_to_even_at_the_eighteenth_decimal():
    assert row(coingecko(current_price=1.2345678901234565e-3))["price"] == Decimal("0.001234567890123456")


def test_an_old_quote_is_stale():
    assert row(coingecko(last_updated="2026-11-20T15:10:00Z"))["is_stale"]


def test_a_stock_does_not_age_while_its_exchange_is_closed():
    how = {"key": "finnhub:AAPL-USD", "schema": "finnhub.rest.quote"}
    friday_close = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)
    sunday = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    found = row(finnhub(146.36, friday_close), received=sunday, **how)
    assert (found["is_stale"], found["age_ms"]) == (False, 39 * 3_600_000)
    assert row(finnhub(146.36, NOW - timedelta(minutes=11)), **how)["is_stale"]


def test_zeros_are_unknown():
    found = row(finnhub(146.36, NOW), key="finnhub:AAPL-USD", schema="finnhub.rest.quote")
    assert found["high_24h"] is None


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        ("no_quote", coingecko(current_price=None)),
        ("no_quote", coingecko(current_price=0)),
        ("not_positive", coingecko(current_price=-1)),
        ("bad_decimal", coingecko(current_price="1,5")),
        ("decimal_overflow", coingecko(market_cap=1e21)),
        ("symbol_mismatch", coingecko(symbol="eth")),
        ("far_future", coingecko(last_updated="2026-11-22T15:29:00.000Z")),
        ("bad_time", coingecko(last_updated="yesterday")),
        ("missing_field", b'{"error":"Missing parameter vs_currency"}'),
        ("missing_field", b'{"status":{"error_code":429,"error_message":"Rate Limit"}}'),
        ("malformed_json", b"<html>"),
        ("empty_value", None),
    ],
)
def test_what_is_no_quote_is_refused_with_its_reason(expected, value):
    assert reason(value) == expected


def test_a_trade_without_an_id_is_a_price_that_was_seen():
    value = b'{"p":7296.89,"s":"AAPL","t":1795188600000,"v":0.011467}'
    assert row(value, key="finnhub:AAPL-USD", schema="finnhub.ws.trade")["price"] == Decimal("7296.89")


def test_quotes_come_to_lie_in_their_table_and_equal_ones_are_two_samples(tmp_path):
    kind = Kind(table=QUOTES, judge=judge_quotes, is_sampled=True)
    table = records(coingecko(), coingecko(), b"{")
    report = clean_topic("quotes", table, kind, Objects(Location(uri=str(tmp_path))), {}, FIRST)
    assert {file.table: file.rows for file in report.files} == {"quotes": 2, "quarantine": 1}
