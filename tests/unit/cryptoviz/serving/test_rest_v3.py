from decimal import Decimal
from itertools import pairwise

import pytest


def klines(client, **query):
    answer = client.get("/api/v3/klines", params={"symbol": "BTCUSDT", "interval": "1m", **query})
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(client, path, **query):
    answer = client.get(f"/api/v3/{path}", params=query)
    return answer.status_code, answer.json()["code"]


def test_an_unknown_symbol_is_refused_in_binances_words(client):
    answer = client.get("/api/v3/klines", params={"symbol": "NOPE", "interval": "1m"})
    assert (answer.status_code, answer.json()) == (400, {"code": -1121, "msg": "Invalid symbol."})


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"symbol": "BTCUSDT", "interval": "7m"}, -1120),
        ({"symbol": "BTCUSDT"}, -1102),
        ({"interval": "1m"}, -1102),
        ({"symbol": "BTCUSDT", "interval": "1m", "limit": 0}, -1130),
        ({"symbol": "BTCUSDT", "interval": "1m", "limit": "many"}, -1130),
        ({"symbol": "BTCUSDT", "interval": "1m", "startTime": -1}, -1130),
        ({"symbol": "BTCUSDT", "interval": "1m", "endTime": 10**30}, -1130),
        ({"symbol": "BTCUSDT'; DROP TABLE trades;--", "interval": "1m"}, -1121),
        ({"symbol": "BTC\0USDT", "interval": "1m"}, -1121),
        ({"symbol": "B" * 10_000, "interval": "1m"}, -1130),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_number(client, query, code):
    assert refused(client, "klines", **query) == (400, code)


def test_a_limit_beyond_the_most_is_the_most(client):
    assert len(klines(client, limit=5000)) == 1000


def test_candles_are_in_order_and_end_with_the_one_in_progress(client, live, trade, now):
    live.accept([trade(9_000_000, "123.45")])
    rows = klines(client, limit=50)
    assert all(a[0] < b[0] for a, b in pairwise(rows))
    assert rows[-1][0] == int(now.replace(second=0).timestamp() * 1000)
    assert rows[-1][4] == "123.45000000"
    assert len(rows) == 50


def test_a_range_holds_what_starts_in_it(client, now):
    end = int(now.timestamp() * 1000) - 3_600_000
    rows = klines(client, startTime=end - 600_000, endTime=end)
    assert all(end - 600_000 <= row[0] <= end for row in rows)
    assert len(rows) == 10


def test_the_hour_in_progress_is_the_lakes_minutes_and_the_live_ones(client, live, trade, parts, btc):
    live.accept([trade(9_000_000, "1", quantity="2")])
    hour = klines(client, interval="1h", limit=1)[0]
    minutes = [row for row in klines(client, limit=60) if row[0] >= hour[0]]
    assert Decimal(hour[5]) == sum(Decimal(row[5]) for row in minutes)
    assert (hour[3], hour[4]) == ("1.00000000", "1.00000000")
    assert hour[8] == sum(row[8] for row in minutes)


def test_the_last_day_of_a_market_adds_up(client, live, trade, now):
    live.accept([trade(9_000_000, "1", quantity="2")])
    ticker = client.get("/api/v3/ticker/24hr", params={"symbol": "BTCUSDT"}).json()
    start = int(now.replace(second=0).timestamp() * 1000) - 86_400_000
    rows = [*klines(client, startTime=start), *klines(client, startTime=start + 500 * 60_000, limit=1000)]
    assert Decimal(ticker["volume"]) == sum(Decimal(row[5]) for row in rows)
    assert ticker["lowPrice"] == ticker["lastPrice"] == "1.00000000"


def test_best_bids_and_asks_come_from_the_feed(client, live, quote):
    assert client.get("/api/v3/ticker/bookTicker").json() == []
    live.accept([], [quote("99.5", "100.5")])
    row = client.get("/api/v3/ticker/bookTicker", params={"symbol": "BTCUSDT"}).json()
    assert (row["bidPrice"], row["askPrice"]) == ("99.50000000", "100.50000000")


def test_trades_come_newest_last(client, live, trade):
    live.accept([trade(9_000_000 + n, str(100 + n)) for n in range(5)])
    rows = client.get("/api/v3/trades", params={"symbol": "BTCUSDT", "limit": 3}).json()
    assert [row["id"] for row in rows] == [9_000_002, 9_000_003, 9_000_004]
    assert client.get("/api/v3/aggTrades", params={"symbol": "BTCUSDT", "limit": 1}).json()[0]["a"] == 9_000_004


def test_every_market_is_listed_with_the_grids_of_its_prices(client):
    info = client.get("/api/v3/exchangeInfo").json()
    listed = {one["symbol"]: one for one in info["symbols"]}
    assert set(listed) == {"BTCUSDT", "BTCUSD"}
    ticks = {f["filterType"]: f for f in listed["BTCUSDT"]["filters"]}
    assert ticks["PRICE_FILTER"]["tickSize"] == "0.01000000"
    assert ticks["LOT_SIZE"]["stepSize"] == "0.00001000"


@pytest.mark.parametrize("symbols", ["", "[]", "{}", "[1]", "[" * 2000, '["NOPE"]', "null"])
def test_a_list_of_symbols_that_is_none_is_refused(client, symbols):
    answer = client.get("/api/v3/ticker/price", params={"symbols": symbols})
    assert answer.status_code == 400
    assert set(answer.json()) == {"code", "msg"}
