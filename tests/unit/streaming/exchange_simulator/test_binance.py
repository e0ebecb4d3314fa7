import itertools
import json
from decimal import Decimal

import pytest
from aiohttp import WSMsgType

NOW = 1_795_200_000_000


def of(stream):
    return lambda frame: frame.get("stream") == stream


async def collect(simulation, stream, *, count, step_ms=50):
    async with simulation.client.ws_connect(f"/stream?streams={stream}") as socket:
        return [f["data"] for f in await simulation.frames(socket, count=count, where=of(stream), step_ms=step_ms)]


def test_trades_of_the_socket_are_those_of_rest_by_id(simulated):
    async def body(simulation):
        told = await collect(simulation, "btcusdt@trade", count=30, step_ms=500)
        ids = [event["t"] for event in told]
        assert ids == list(range(ids[0], ids[0] + 30))
        rows = await simulation.get("/api/v3/historicalTrades", symbol="BTCUSDT", fromId=ids[0], limit=30)
        assert [(e["t"], e["p"], e["q"], e["T"], e["m"]) for e in told] == [
            (r["id"], r["price"], r["qty"], r["time"], r["isBuyerMaker"]) for r in rows
        ]

    simulated(body)


def test_aggregates_are_the_trades_folded_and_their_ids_and_ranges_have_no_hole(simulated):
    async def body(simulation):
        told = await collect(simulation, "btcusdt@aggTrade", count=30, step_ms=500)
        rows = await simulation.get("/api/v3/aggTrades", symbol="BTCUSDT", fromId=told[0]["a"], limit=30)
        assert rows == [{k: e[k] for k in ("a", "p", "q", "f", "l", "T", "m", "M")} for e in told]
        assert [r["a"] for r in rows] == list(range(rows[0]["a"], rows[0]["a"] + 30))
        assert all(later["f"] == row["l"] + 1 for row, later in itertools.pairwise(rows))
        assert any(row["l"] > row["f"] for row in rows)
        trades = await simulation.get("/api/v3/historicalTrades", symbol="BTCUSDT", fromId=rows[0]["f"], limit=100)
        for row in rows:
            inside = [t for t in trades if row["f"] <= t["id"] <= row["l"]]
            assert {(t["price"], t["time"], t["isBuyerMaker"]) for t in inside} == {(row["p"], row["T"], row["m"])}
            assert sum(Decimal(t["qty"]) for t in inside) == Decimal(row["q"])

    simulated(body)


def test_aggregates_by_time_by_id_and_the_latest_agree(simulated):
    async def body(simulation):
        path = "/api/v3/aggTrades"
        latest = await simulation.get(path, symbol="ETHUSDT", limit=50)
        by_id = await simulation.get(path, symbol="ETHUSDT", fromId=latest[0]["a"], limit=50)
        times = {"startTime": latest[0]["T"], "endTime": latest[-1]["T"]}
        by_time = await simulation.get(path, symbol="ETHUSDT", limit=1000, **times)
        assert len(latest) == 50
        assert latest == by_id == by_time

    simulated(body)


def test_withdrawn_aggregates_are_said_as_tombstones_and_their_trades_not_at_all(simulated):
    async def body(simulation):
        market = simulation.exchange.listed["binance:BTC-USDT"].market
        rows = await simulation.get("/api/v3/aggTrades", symbol="BTCUSDT", limit=20)
        body = {"market": "binance:BTC-USDT", "first_id": rows[5]["f"], "last_id": rows[7]["l"]}
        await simulation.client.post("/sim/lost", json=body)
        again = await simulation.get("/api/v3/aggTrades", symbol="BTCUSDT", limit=20)
        assert [row["a"] for row in again] == [row["a"] for row in rows]
        gone = [(row["p"], row["q"], row["f"], row["l"]) for row in again[5:8]]
        assert gone == [("0.00000000", "0.00000000", -1, -1)] * 3
        assert again[:5] + again[8:] == rows[:5] + rows[8:]
        assert market.lost == ((rows[5]["f"], rows[7]["l"]),)
        trades = await simulation.get("/api/v3/historicalTrades", symbol="BTCUSDT", fromId=rows[4]["f"], limit=20)
        assert not {t["id"] for t in trades} & set(range(rows[5]["f"], rows[7]["l"] + 1))

    simulated(body)


def test_best_prices_hold_the_trades_and_agree_with_rest(simulated):
    async def body(simulation):
        told = await collect(simulation, "btcusdt@bookTicker", count=10, step_ms=200)
        assert [e["u"] for e in told] == sorted({e["u"] for e in told})
        assert all(set(e) == set("usbBaA") and Decimal(e["b"]) < Decimal(e["a"]) for e in told)
        row = await simulation.get("/api/v3/ticker/bookTicker", symbol="BTCUSDT")
        last = await simulation.get("/api/v3/ticker/price", symbol="BTCUSDT")
        assert abs(Decimal(row["bidPrice"]) / Decimal(last["price"]) - 1) < Decimal("0.001")
        everything = await simulation.get("/api/v3/ticker/bookTicker")
        assert {"BTCUSDT", "BNBUSDT"} < {r["symbol"] for r in everything}

    simulated(body)


def test_a_minute_of_the_kline_stream_ends_closed_and_equal_to_rest(simulated):
    async def body(simulation):
        simulation.pass_ms(-simulation.now % 60_000 + 57_000)
        told = await collect(simulation, "btcusdt@kline_1m", count=8, step_ms=400)
        closed = [e["k"] for e in told if e["k"]["x"]]
        assert len(closed) == 1
        rows = await simulation.get(
            "/api/v3/klines", symbol="BTCUSDT", interval="1m", startTime=closed[0]["t"], limit=1
        )
        assert [closed[0][k] for k in "tohlcvTqnVQB"] == rows[0]
        opened = [e["k"] for e in told if not e["k"]["x"]]
        assert all(e["f"] <= e["L"] and e["n"] == e["L"] - e["f"] + 1 for e in opened)

    simulated(body)


def test_day_tickers_of_socket_and_rest_agree_with_the_klines(simulated):
    async def body(simulation):
        (event,) = await collect(simulation, "btcusdt@ticker", count=1, step_ms=300)
        (mini,) = await collect(simulation, "btcusdt@miniTicker", count=1, step_ms=300)
        row = await simulation.get("/api/v3/ticker/24hr", symbol="BTCUSDT")
        assert event["e"] == "24hrTicker"
        assert mini["e"] == "24hrMiniTicker"
        assert row["count"] == row["lastId"] - row["firstId"] + 1
        assert Decimal(row["lowPrice"]) <= Decimal(row["weightedAvgPrice"]) <= Decimal(row["highPrice"])
        assert Decimal(row["priceChange"]) == Decimal(row["lastPrice"]) - Decimal(row["openPrice"])
        times = {"startTime": row["openTime"] // 3_600_000 * 3_600_000 + 3_600_000, "limit": 24}
        hours = await simulation.get("/api/v3/klines", symbol="BTCUSDT", interval="1h", **times)
        assert 0.9 < sum(Decimal(h[5]) for h in hours) / Decimal(row["volume"]) <= 1
        assert abs(Decimal(event["v"]) / Decimal(row["volume"]) - 1) < Decimal("0.01")

    simulated(body)


@pytest.mark.parametrize("interval", ["1s", "3m", "1h", "1d", "3d"])
def test_every_interval_has_klines_that_follow_one_another(simulated, interval):
    async def body(simulation):
        rows = await simulation.get("/api/v3/klines", symbol="BNBUSDT", interval=interval, limit=3)
        assert len(rows) == 3
        assert all(later[0] == row[6] + 1 for row, later in itertools.pairwise(rows))
        assert rows[-1][6] >= NOW - 1

    simulated(body)


def test_what_the_venue_does_not_know_is_refused_in_its_own_words(simulated):
    async def body(simulation):
        for path, params, code in (
            ("trades", {}, -1102),
            ("trades", {"symbol": "NOPE"}, -1121),
            ("klines", {"symbol": "BTCUSDT", "interval": "7m"}, -1120),
            ("historicalTrades", {"symbol": "BTCUSDT", "fromId": "x"}, -1100),
        ):
            assert (await simulation.get(f"/api/v3/{path}", 400, **params))["code"] == code

    simulated(body)


def test_weight_is_counted_refused_with_429_and_insistence_banned_with_418(simulated):
    async def body(simulation):
        simulation.exchange.rules.binance_weight_a_minute = 50
        async with simulation.client.get("/api/v3/trades", params={"symbol": "BTCUSDT"}) as answer:
            assert answer.headers["X-MBX-USED-WEIGHT-1M"] == "25"
        await simulation.get("/api/v3/ticker/24hr", symbol="BTCUSDT")
        statuses = []
        for _ in range(12):
            async with simulation.client.get("/api/v3/trades", params={"symbol": "BTCUSDT"}) as answer:
                statuses.append((answer.status, int(answer.headers["Retry-After"]), (await answer.json())["code"]))
        assert [s[0] for s in statuses] == [429] * 10 + [418] * 2
        assert all(0 < wait <= 61 for status, wait, _ in statuses if status == 429)
        assert statuses[-1][1] == pytest.approx(120, abs=2)
        assert {code for *_, code in statuses} == {-1003}
        assert simulation.exchange.counts["requests_while_banned"] == 2

    simulated(body)


@pytest.mark.parametrize(
    ("path", "params", "weight"),
    [
        ("ticker/24hr", {"symbol": "BTCUSDT"}, 2),
        ("ticker/24hr", {"symbols": '["BTCUSDT","ETHUSDT"]'}, 2),
        ("ticker/24hr", {}, 80),
        ("ticker/price", {"symbol": "BTCUSDT"}, 2),
        ("ticker/bookTicker", {}, 4),
        ("historicalTrades", {"symbol": "BTCUSDT"}, 25),
        ("aggTrades", {"symbol": "BTCUSDT"}, 4),
    ],
)
def test_requests_weigh_what_the_venue_says(simulated, path, params, weight):
    async def body(simulation):
        async with simulation.client.get(f"/api/v3/{path}", params=params) as answer:
            assert answer.headers["X-MBX-USED-WEIGHT-1M"] == str(weight)
            if "symbols" in params:
                assert [row["symbol"] for row in await answer.json()] == ["BTCUSDT", "ETHUSDT"]

    simulated(body)


def test_the_venues_clock_can_be_wrong(simulated):
    async def body(simulation):
        simulation.exchange.rules.change(clock_skew_s=-90)
        assert (await simulation.get("/api/v3/time"))["serverTime"] == simulation.now - 90_000
        (trade,) = await simulation.get("/api/v3/trades", symbol="BTCUSDT", limit=1)
        assert trade["time"] < simulation.now - 90_000

    simulated(body)


def test_subscriptions_change_while_the_socket_is_open(simulated):
    async def body(simulation):
        async with simulation.client.ws_connect("/stream") as socket:
            names = ["btcusdt@trade", "ethusdt@bookTicker", "nonsense", "BTCUSDT@trade"]
            await socket.send_json({"method": "SUBSCRIBE", "params": names, "id": 1})
            assert await socket.receive_json() == {"result": None, "id": 1}
            await socket.send_json({"method": "UNSUBSCRIBE", "params": ["btcusdt@trade"], "id": 2})
            await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 3})
            (listed,) = await simulation.frames(socket, where=lambda f: f.get("id") == 3)
            assert listed["result"] == ["ethusdt@bookTicker"]
            await simulation.frames(socket, count=3, where=of("ethusdt@bookTicker"), step_ms=300)
            await socket.send_str("{")
            (error,) = await simulation.frames(socket, where=lambda f: "error" in f)
            assert error["error"]["code"] == 2

    simulated(body)


def test_more_than_1024_streams_are_refused(simulated):
    async def body(simulation):
        async with simulation.client.ws_connect("/stream") as socket:
            names = [f"coin{i}@trade" for i in range(1025)]
            await socket.send_json({"method": "SUBSCRIBE", "params": names, "id": 1})
            assert "error" in await socket.receive_json()
            await socket.send_json({"method": "SUBSCRIBE", "params": ["btcusdt@trade"], "id": 2})
            assert await socket.receive_json() == {"result": None, "id": 2}

    simulated(body)


def test_the_sixth_message_of_a_second_ends_the_socket(simulated):
    async def body(simulation):
        async with simulation.client.ws_connect("/ws") as socket:
            for number in range(6):
                await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": number})
            answers = [await socket.receive(timeout=20) for _ in range(6)]
            assert [m.type for m in answers] == [WSMsgType.TEXT] * 5 + [WSMsgType.CLOSE]
            assert socket.close_code == 1008

    simulated(body)


def test_too_many_connections_are_refused(simulated):
    async def body(simulation):
        simulation.exchange.rules.connections_in_5_minutes = 1
        async with simulation.client.ws_connect("/ws"), simulation.client.get("/ws") as answer:
            assert answer.status == 429

    simulated(body)


@pytest.mark.parametrize("path", ["/ws/btcusdt@trade", "/stream?streams=btcusdt@trade"])
def test_an_old_socket_is_told_of_its_end_and_then_closed(simulated, path):
    async def body(simulation):
        simulation.exchange.rules.change(session_s=0.4, notice_s=0.2)
        async with simulation.client.ws_connect(path) as socket:
            said = []
            while (message := await socket.receive(timeout=20)).type is WSMsgType.TEXT:
                frame = json.loads(message.data)
                said.append(frame.get("data", frame)["e"])
            assert said[-1] == "serverShutdown"
            assert message.type is WSMsgType.CLOSE

    simulated(body)


def test_the_venue_pings_and_ends_a_socket_that_does_not_answer(simulated):
    async def body(simulation):
        simulation.exchange.rules.change(ping_s=0.1, pong_within_s=0.4)
        async with simulation.client.ws_connect("/ws", autoping=False) as deaf:
            kinds = [(await deaf.receive(timeout=20)).type for _ in range(2)]
            assert kinds == [WSMsgType.PING, WSMsgType.PING]
            while (message := await deaf.receive(timeout=20)).type is WSMsgType.PING:
                pass
            assert message.type is WSMsgType.CLOSE
        assert simulation.exchange.counts["binance_ended"] == 1

    simulated(body)
