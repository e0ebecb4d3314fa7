import time
from decimal import Decimal

import pytest


def test_a_ban_is_418_with_the_time_left_and_every_request_in_it_is_counted(simulated):
    async def body(simulation):
        await simulation.command(kind="ban", venue="binance", seconds=100)
        for _ in range(3):
            async with simulation.client.get("/api/v3/time") as answer:
                assert answer.status == 418
                assert 98 <= int(answer.headers["Retry-After"]) <= 101
                assert "IP banned until" in (await answer.json())["msg"]
        state = await simulation.get("/sim/state")
        assert state["counts"]["requests_while_banned"] == 3
        assert (await simulation.get("/0/public/Time"))["error"] == []

    simulated(body)


@pytest.mark.parametrize(
    ("kind", "path", "status", "text"),
    [
        ("http_5xx", "/api/v3/time", 503, "-1000"),
        ("http_5xx", "/0/public/Time", 520, "520"),
        ("rate_limit", "/api/v3/time", 429, "-1003"),
        ("rate_limit", "/0/public/Time", 200, "EAPI:Rate limit exceeded"),
        ("ban", "/0/public/Time", 200, "EGeneral:Temporary lockout"),
        ("html", "/api/v3/time", 200, "<html>"),
    ],
)
def test_each_venue_refuses_in_its_own_words(simulated, kind, path, status, text):
    async def body(simulation):
        await simulation.command(kind=kind)
        async with simulation.client.get(path) as answer:
            assert answer.status == status
            assert text in await answer.text()

    simulated(body)


def test_a_fault_with_a_chance_strikes_some_requests(simulated):
    async def body(simulation):
        await simulation.command(kind="http_5xx", probability=0.3)
        statuses = []
        for _ in range(60):
            async with simulation.client.get("/api/v3/ping") as answer:
                statuses.append(answer.status)
        assert 5 < statuses.count(503) < 35
        assert statuses.count(200) == 60 - statuses.count(503)

    simulated(body)


def test_a_slow_answer_takes_its_time(simulated):
    async def body(simulation):
        await simulation.command(kind="slow", amount=0.3)
        began = time.monotonic()
        await simulation.get("/api/v3/ping")
        assert time.monotonic() - began >= 0.3

    simulated(body)


def test_unknown_faults_rules_and_markets_are_refused_with_the_reason(simulated):
    async def body(simulation):
        for method, path, sent in (
            ("POST", "/sim/faults", {"kind": "rain"}),
            ("POST", "/sim/faults", {"weather": "rain"}),
            ("PATCH", "/sim/rules", {"gravity": 9.81}),
            ("POST", "/sim/lost", {"market": "binance:NO-PE", "first_id": 1, "last_id": 2}),
        ):
            async with simulation.client.request(method, path, json=sent) as answer:
                assert answer.status == 400
                assert (await answer.json())["error"]
        async with simulation.client.get("/sim/truth", params={"market": "x", "from_ms": 0, "to_ms": 1}) as answer:
            assert answer.status == 400

    simulated(body)


def test_rules_change_while_the_server_runs(simulated):
    async def body(simulation):
        async with simulation.client.patch("/sim/rules", json={"session_s": 5, "ping_s": 0.5}) as answer:
            assert (await answer.json())["session_s"] == 5
        assert simulation.exchange.rules.ping_s == 0.5

    simulated(body)


def test_the_truth_lists_what_was_traded_and_nothing_of_the_future(simulated):
    async def body(simulation):
        span = {"market": "binance:BTC-USDT", "from_ms": simulation.now - 60_000, "to_ms": simulation.now + 60_000}
        truth = await simulation.get("/sim/truth/trades", **span)
        rows = await simulation.get(
            "/api/v3/historicalTrades", symbol="BTCUSDT", fromId=truth["trades"][0][0], limit=1000
        )
        assert truth["is_whole"]
        assert [(r[0], Decimal(r[2]), Decimal(r[3]), r[4] == "buy") for r in truth["trades"]] == [
            (r["id"], Decimal(r["price"]), Decimal(r["qty"]), not r["isBuyerMaker"]) for r in rows
        ]
        summary = await simulation.get("/sim/truth", **{**span, "to_ms": simulation.now})
        assert summary["count"] == len(rows)
        assert Decimal(summary["quantity"]) == sum(Decimal(r["qty"]) for r in rows)

    simulated(body)
