from decimal import Decimal
from itertools import pairwise


async def page(simulation, **params):
    async with simulation.client.get("/coinbase/products/BTC-USD/trades", params=params) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json(), answer.headers


def test_matches_follow_the_last_match_by_id_and_are_those_of_rest(simulated):
    async def body(simulation):
        async with simulation.client.ws_connect("/coinbase/ws") as socket:
            await socket.send_json({"type": "subscribe", "product_ids": ["BTC-USD"], "channels": ["matches"]})
            answer = await socket.receive_json()
            assert answer["channels"] == [{"name": "matches", "product_ids": ["BTC-USD"], "account_ids": None}]
            last = await socket.receive_json()
            told = await simulation.frames(socket, count=30, where=lambda f: f["type"] == "match", step_ms=500)
        assert last["type"] == "last_match"
        assert [m["trade_id"] for m in told] == list(range(last["trade_id"] + 1, last["trade_id"] + 31))
        assert all(b["sequence"] > a["sequence"] for a, b in pairwise(told))
        rows, _ = await page(simulation, after=told[-1]["trade_id"] + 1, limit=30)
        assert rows[::-1] == [{k: m[k] for k in ("trade_id", "side", "size", "price", "time")} for m in told]

    simulated(body)


def test_a_bought_trade_says_the_sides_of_maker_and_taker(simulated):
    async def body(simulation):
        market = simulation.exchange.listed["coinbase:BTC-USD"].market
        rows, _ = await page(simulation, limit=50)
        truth = market.last_before(simulation.now, 50)
        assert [r["side"] for r in rows[::-1]] == ["sell" if buy else "buy" for buy in truth.buys]

    simulated(body)


def test_pages_go_back_by_id_without_hole_and_the_newest_by_before(simulated):
    async def body(simulation):
        first, headers = await page(simulation, limit=40)
        ids = [row["trade_id"] for row in first]
        assert (headers["CB-BEFORE"], headers["CB-AFTER"]) == (str(ids[0]), str(ids[-1]))
        second, headers = await page(simulation, limit=40, after=headers["CB-AFTER"])
        ids += [row["trade_id"] for row in second]
        assert ids == list(range(ids[0], ids[0] - 80, -1))
        newer, _ = await page(simulation, before=ids[10])
        assert [row["trade_id"] for row in newer] == ids[:10]
        oldest, _ = await page(simulation, after=3)
        assert [row["trade_id"] for row in oldest] == [2, 1]
        nothing, _ = await page(simulation, after=1)
        assert nothing == []

    simulated(body)


def test_candles_are_those_of_the_trades_newest_first(simulated):
    async def body(simulation):
        end = simulation.now // 3_600_000 * 3_600
        rows = await simulation.get(
            "/coinbase/products/BTC-USD/candles", granularity=3600, start=end - 7200, end=end - 1
        )
        assert [row[0] for row in rows] == [end - 3600, end - 7200]
        trades = simulation.exchange.listed["coinbase:BTC-USD"].market.between((end - 3600) * 1000, end * 1000)
        low, high, opened, closed, volume = (Decimal(str(x)) for x in rows[0][1:])
        ticks = [Decimal(int(t)).scaleb(-2) for t in trades.ticks]
        assert (low, high, opened, closed) == (min(ticks), max(ticks), ticks[0], ticks[-1])
        assert volume == Decimal(int(trades.lots.sum())).scaleb(-8)
        for params in ({"granularity": 60, "start": end - 7 * 86_400, "end": end}, {"granularity": 77}):
            assert "message" in await simulation.get("/coinbase/products/BTC-USD/candles", 400, **params)

    simulated(body)


def test_tickers_and_heartbeats_tell_the_market(simulated):
    async def body(simulation):
        async with simulation.client.ws_connect("/coinbase/ws") as socket:
            channels = ["ticker", {"name": "heartbeat", "product_ids": ["BTC-USD"]}]
            await socket.send_json({"type": "subscribe", "product_ids": ["BTC-USD"], "channels": channels})
            tickers = await simulation.frames(socket, count=4, where=lambda f: f["type"] == "ticker", step_ms=700)
            beats = await simulation.frames(socket, count=3, where=lambda f: f["type"] == "heartbeat", step_ms=700)
        for row in tickers:
            assert Decimal(row["best_bid"]) < Decimal(row["best_ask"])
            assert Decimal(row["low_24h"]) <= Decimal(row["price"]) <= Decimal(row["high_24h"])
        assert beats[-1]["last_trade_id"] >= tickers[-1]["trade_id"]
        rest = await simulation.get("/coinbase/products/BTC-USD/ticker")
        assert Decimal(rest["bid"]) < Decimal(rest["ask"])
        assert set(await simulation.get("/coinbase/products/BTC-USD/stats")) >= {"open", "high", "low", "last"}

    simulated(body)


def test_advanced_trades_come_numbered_and_without_hole(simulated):
    async def body(simulation):
        async with simulation.client.ws_connect("/coinbase/advanced") as socket:
            for channel in ("market_trades", "heartbeats", "ticker"):
                await socket.send_json({"type": "subscribe", "product_ids": ["BTC-USD"], "channel": channel})
            frames = await simulation.frames(socket, count=25, step_ms=500)
        assert [f["sequence_num"] for f in frames] == list(range(25))
        assert {f["channel"] for f in frames} == {"market_trades", "heartbeats", "ticker", "subscriptions"}
        events = [e for f in frames if f["channel"] == "market_trades" for e in f["events"]]
        assert [e["type"] for e in events] == ["snapshot"] + ["update"] * (len(events) - 1)
        ids = [int(t["trade_id"]) for e in events for t in reversed(e["trades"])]
        assert ids == list(range(ids[0], ids[0] + len(ids)))

    simulated(body)


def test_what_the_venue_does_not_know_is_refused_in_its_own_words(simulated):
    async def body(simulation):
        assert await simulation.get("/coinbase/products/NO-PE/trades", 404) == {"message": "NotFound"}
        async with simulation.client.ws_connect("/coinbase/ws") as socket:
            for product, channel in (("NO-PE", "matches"), ("BTC-USD", "weather")):
                await socket.send_json({"type": "subscribe", "product_ids": [product], "channels": [channel]})
                answer = await socket.receive_json()
                assert (answer["type"], answer["message"]) == ("error", "Failed to subscribe")
        simulation.exchange.rules.change(coinbase_burst=1, coinbase_calls_a_second=0.01)
        await simulation.get("/coinbase/time", 429)

    simulated(body)


def test_products_say_whether_they_trade(simulated):
    async def body(simulation):
        await simulation.command(kind="halt", venue="coinbase", symbol="ETH-USD")
        products = {p["id"]: p for p in await simulation.get("/coinbase/products")}
        assert (products["BTC-USD"]["status"], products["ETH-USD"]["status"]) == ("online", "offline")
        assert products["BTC-USD"]["quote_increment"] == "0.01"
        assert {c["id"] for c in await simulation.get("/coinbase/currencies")} == {"BTC", "ETH", "SOL", "USD"}

    simulated(body)
