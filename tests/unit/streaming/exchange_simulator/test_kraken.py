import itertools
from datetime import datetime
from decimal import Decimal

import pytest


async def subscribed(simulation, socket, channel, **params):
    params = {"channel": channel, "symbol": ["BTC/USD"], **params}
    await socket.send_json({"method": "subscribe", "params": params, "req_id": 9})
    (answer,) = await simulation.frames(socket, where=lambda f: f.get("method") == "subscribe")
    assert answer["success"], answer
    assert answer["req_id"] == 9


def begin_of(candle):
    return int(datetime.fromisoformat(candle["interval_begin"][:19] + "+00:00").timestamp())


def data_of(frames):
    return [element for frame in frames for element in frame["data"]]


def test_trades_of_the_socket_are_those_of_rest(simulated):
    async def body(simulation):
        since = simulation.now * 1_000_000
        async with simulation.client.ws_connect("/v2") as socket:
            await subscribed(simulation, socket, "trade", snapshot=False)
            simulation.pass_ms(100)
            frames = await simulation.frames(socket, count=5, where=lambda f: f.get("channel") == "trade", step_ms=2000)
        told = data_of(frames)
        ids = [t["trade_id"] for t in told]
        assert ids == list(range(ids[0], ids[0] + len(ids)))
        rows = (await simulation.get("/0/public/Trades", pair="XBTUSD", since=since))["result"]["XXBTZUSD"]
        by_id = {row[6]: row for row in rows}
        for trade in told:
            row = by_id[trade["trade_id"]]
            assert Decimal(str(trade["price"])) == Decimal(row[0])
            assert Decimal(str(trade["qty"])) == Decimal(row[1])
            assert (trade["side"][0], trade["ord_type"][0]) == (row[3], row[4])

    simulated(body)


def test_a_snapshot_of_trades_comes_first_when_wanted(simulated):
    async def body(simulation):
        async with simulation.client.ws_connect("/v2") as socket:
            status = await socket.receive_json()
            assert (status["channel"], status["data"][0]["system"]) == ("status", "online")
            await subscribed(simulation, socket, "trade")
            (first,) = await simulation.frames(socket, where=lambda f: f.get("channel") == "trade")
            assert (first["type"], len(first["data"])) == ("snapshot", 50)

    simulated(body)


def test_pages_of_trades_follow_one_another_without_hole_to_the_nanosecond(simulated):
    async def body(simulation):
        since, ids = (simulation.now - 3_600_000) * 1_000_000, []
        while True:
            params = {"pair": "XXBTZUSD", "since": since, "count": 97}
            result = (await simulation.get("/0/public/Trades", **params))["result"]
            ids += [row[6] for row in result["XXBTZUSD"]]
            if len(result["XXBTZUSD"]) < 97:
                break
            since = result["last"]
        truth = simulation.exchange.listed["kraken:BTC-USD"].market.between(simulation.now - 3_600_000, simulation.now)
        assert ids == truth.ids.tolist()

    simulated(body)


@pytest.mark.parametrize("trigger", ["trades", "bbo"])
def test_tickers_tell_the_best_prices(simulated, trigger):
    async def body(simulation):
        async with simulation.client.ws_connect("/v2") as socket:
            await subscribed(simulation, socket, "ticker", event_trigger=trigger)
            frames = await simulation.frames(
                socket, count=4, where=lambda f: f.get("channel") == "ticker", step_ms=1000
            )
        assert [f["type"] for f in frames] == ["snapshot", "update", "update", "update"]
        for row in data_of(frames):
            assert row["bid"] < row["ask"]
            assert row["low"] <= row["last"] <= row["high"]
            assert row["bid_qty"] > 0
            assert row["timestamp"].endswith("Z")

    simulated(body)


def test_candles_of_the_socket_are_those_of_rest(simulated):
    async def body(simulation):
        async with simulation.client.ws_connect("/v2") as socket:
            await subscribed(simulation, socket, "ohlc", interval=1)
            (snapshot, *updates) = await simulation.frames(
                socket, count=3, where=lambda f: f.get("channel") == "ohlc", step_ms=1000
            )
        rows = (await simulation.get("/0/public/OHLC", pair="XBTUSD", interval=1))["result"]["XXBTZUSD"]
        assert (snapshot["type"], len(snapshot["data"])) == ("snapshot", 720)
        by_time = {row[0]: row for row in rows}
        compared = 0
        for candle in snapshot["data"][:-1]:
            row = by_time.get(begin_of(candle))
            if row:
                compared += 1
                names = ("open", "high", "low", "close")
                assert [Decimal(str(candle[n])) for n in names] == [Decimal(x) for x in row[1:5]]
                assert (Decimal(str(candle["volume"])), candle["trades"]) == (Decimal(row[6]), row[7])
        assert compared > 700
        assert all(f["type"] == "update" for f in updates)

    simulated(body)


def test_there_are_720_hourly_candles_at_most_and_empty_ones_are_flat(simulated):
    async def body(simulation):
        result = (await simulation.get("/0/public/OHLC", pair="ETHUSD", interval=60))["result"]
        rows = result["XETHZUSD"]
        assert len(rows) == 720
        assert result["last"] == rows[-2][0]
        assert [b[0] - a[0] for a, b in itertools.pairwise(rows)] == [3600] * 719
        later = (await simulation.get("/0/public/OHLC", pair="ETHUSD", interval=60, since=rows[-3][0]))["result"]
        assert [row[0] for row in later["XETHZUSD"]] == [rows[-2][0], rows[-1][0]]

    simulated(body)


def test_pairs_assets_and_tickers_carry_the_legacy_names(simulated):
    async def body(simulation):
        pairs = (await simulation.get("/0/public/AssetPairs"))["result"]
        assert pairs["XXBTZUSD"]["wsname"] == "XBT/USD"
        assert pairs["XXBTZUSD"]["altname"] == "XBTUSD"
        assets = (await simulation.get("/0/public/Assets"))["result"]
        assert assets["XXBT"]["altname"] == "XBT"
        ticker = (await simulation.get("/0/public/Ticker", pair="XBTUSD,ETHUSD"))["result"]
        assert set(ticker) == {"XXBTZUSD", "XETHZUSD"}
        row = ticker["XXBTZUSD"]
        assert Decimal(row["b"][0]) < Decimal(row["a"][0])
        assert Decimal(row["l"][1]) <= Decimal(row["p"][1]) <= Decimal(row["h"][1])

    simulated(body)


def test_errors_come_with_status_200_and_a_list(simulated):
    async def body(simulation):
        assert await simulation.get("/0/public/Trades", pair="NOPE") == {"error": ["EQuery:Unknown asset pair"]}
        wrong = await simulation.get("/0/public/OHLC", pair="XBTUSD", interval=7)
        assert wrong == {"error": ["EGeneral:Invalid arguments"]}

    simulated(body)


def test_calls_beyond_the_burst_are_refused(simulated):
    async def body(simulation):
        simulation.exchange.rules.change(kraken_burst=3, kraken_calls_a_second=0.001)
        answers = [await simulation.get("/0/public/Time") for _ in range(5)]
        assert [a["error"] for a in answers] == [[]] * 3 + [["EAPI:Rate limit exceeded"]] * 2

    simulated(body)


def test_pings_are_answered_and_unknown_symbols_refused(simulated):
    async def body(simulation):
        async with simulation.client.ws_connect("/v2") as socket:
            await socket.send_json({"method": "ping", "req_id": 101})
            (pong,) = await simulation.frames(socket, where=lambda f: f.get("method") == "pong")
            assert pong["req_id"] == 101
            params = {"channel": "trade", "symbol": ["NO/PE"]}
            await socket.send_json({"method": "subscribe", "params": params})
            (answer,) = await simulation.frames(socket, where=lambda f: f.get("method") == "subscribe")
            assert (answer["success"], answer["error"]) == (False, "Currency pair not supported NO/PE")
            await subscribed(simulation, socket, "trade", snapshot=False)
            await simulation.frames(socket, where=lambda f: f.get("channel") == "heartbeat", step_ms=500)
            params = {"channel": "trade", "symbol": ["BTC/USD"]}
            await socket.send_json({"method": "unsubscribe", "params": params})
            (answer,) = await simulation.frames(socket, where=lambda f: f.get("method") == "unsubscribe")
            assert answer["success"]

    simulated(body)
