import contextlib
import json

import pytest
from aiohttp import ClientConnectionError, WSMsgType, WSServerHandshakeError

STREAM = "/stream?streams=btcusdt@trade/ethusdt@trade"


def is_trade(frame):
    return isinstance(frame, dict) and str(frame.get("stream", "")).endswith("@trade")


async def told(simulation, *, count, step_ms=2000):
    """Trades of a connection as (symbol, id), in the order they came, and the first and last time."""
    async with simulation.client.ws_connect(STREAM) as socket:
        frames = await simulation.frames(socket, count=count, where=is_trade, step_ms=step_ms)
    return [(f["data"]["s"], f["data"]["t"]) for f in frames]


def holes(ids):
    return sorted(set(range(min(ids), max(ids) + 1)) - set(ids))


def of(pairs, symbol):
    return [number for name, number in pairs if name == symbol]


def test_dropped_messages_leave_holes_that_rest_can_fill_and_that_are_written_down(simulated):
    async def body(simulation):
        await simulation.command(kind="drop", venue="binance", symbol="BTC-USDT", probability=0.2)
        pairs = await told(simulation, count=100)
        missing = holes(of(pairs, "BTCUSDT"))
        assert missing
        assert not holes(of(pairs, "ETHUSDT"))
        struck = await simulation.get("/sim/struck")
        assert set(missing) <= {s["first_id"] for s in struck if s["kind"] == "drop"}
        rows = await simulation.get("/api/v3/historicalTrades", symbol="BTCUSDT", fromId=missing[0], limit=1)
        assert rows[0]["id"] == missing[0]

    simulated(body)


def test_repeated_and_reordered_messages_are_complete_in_the_end(simulated):
    async def body(simulation):
        await simulation.command(kind="repeat", probability=0.2)
        await simulation.command(kind="reorder", probability=0.2, amount=0.5)
        ids = []

        def is_whole(frame):
            if is_trade(frame) and frame["data"]["s"] == "BTCUSDT":
                ids.append(frame["data"]["t"])
            return len(set(ids)) > 100 and not holes(ids)

        async with simulation.client.ws_connect(STREAM) as socket:
            await simulation.frames(socket, where=is_whole, step_ms=2000, timeout_s=20)
        assert len(ids) > len(set(ids))
        assert ids != sorted(ids)
        state = await simulation.get("/sim/state")
        assert state["struck"]["repeat"] > 0
        assert state["struck"]["reorder"] > 0

    simulated(body)


def test_garbage_is_no_message_of_the_venue(simulated):
    async def body(simulation):
        await simulation.command(kind="garbage")
        async with simulation.client.ws_connect(STREAM) as socket:
            simulation.pass_ms(100)
            for _ in range(5):
                simulation.pass_ms(2000)
                text = (await socket.receive(timeout=20)).data
                with contextlib.suppress(ValueError):
                    assert not is_trade(json.loads(text))

    simulated(body)


def test_delayed_messages_come_later_and_none_is_missing(simulated):
    async def body(simulation):
        async with simulation.client.ws_connect(STREAM) as socket:
            await simulation.frames(socket, where=is_trade, step_ms=1000)
            await simulation.command(kind="delay", amount=0.5)
            start = simulation.exchange.faults.now()
            simulation.pass_ms(60_000)
            (frame,) = await simulation.frames(
                socket, where=lambda f: is_trade(f) and f["data"]["T"] > simulation.now - 3000
            )
            assert simulation.exchange.faults.now() - start > 0.45
            assert frame["data"]["T"] < simulation.now

    simulated(body)


def test_a_close_resets_each_open_socket_once_and_new_ones_live(simulated):
    async def body(simulation):
        async with simulation.client.ws_connect(STREAM) as one, simulation.client.ws_connect("/v2") as other:
            await simulation.command(kind="close", venue="binance")
            assert (await one.receive(timeout=20)).type in {WSMsgType.CLOSED, WSMsgType.ERROR, WSMsgType.CLOSE}
            await other.send_json({"method": "ping"})
            await simulation.frames(other, where=lambda f: f.get("method") == "pong")
        pairs = await told(simulation, count=10)
        assert len(pairs) == 10

    simulated(body)


@pytest.mark.parametrize("path", [STREAM, "/v2"])
def test_a_cut_is_announced_by_binance_and_closes_every_venue(simulated, path):
    async def body(simulation):
        async with simulation.client.ws_connect(path) as socket:
            await simulation.command(kind="cut", amount=0.3)
            said = []
            while (message := await socket.receive(timeout=20)).type is WSMsgType.TEXT:
                said.append(json.loads(message.data).get("stream"))
            assert message.type is WSMsgType.CLOSE
            assert ("!serverShutdown" in said) == (path == STREAM)

    simulated(body)


def test_a_half_open_socket_is_silent_and_deaf_and_gives_no_pong(simulated):
    async def body(simulation):
        async with simulation.client.ws_connect(STREAM, autoping=False) as socket:
            await simulation.frames(socket, where=is_trade, step_ms=1000)
            await simulation.command(kind="half_open", venue="binance", seconds=60)
            while True:
                try:
                    await socket.receive(timeout=0.2)
                except TimeoutError:
                    break
            simulation.pass_ms(60_000)
            await socket.ping()
            await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 1})
            with pytest.raises(TimeoutError):
                await socket.receive(timeout=0.3)
            async with simulation.client.delete("/sim/faults"):
                pass
            await simulation.frames(socket, where=is_trade, step_ms=1000)

    simulated(body)


def test_a_halted_symbol_is_silent_its_status_a_break_and_what_it_missed_told_after(simulated):
    async def body(simulation):
        async with simulation.client.ws_connect(STREAM) as socket:
            first = await simulation.frames(socket, count=20, where=is_trade, step_ms=1000)
            await simulation.command(kind="halt", venue="binance", symbol="BTC-USDT")
            halted_at = simulation.now
            early, late = [], []

            def is_later(frame):
                (late if is_trade(frame) and frame["data"]["T"] > halted_at else early).append(frame)
                return bool(late)

            await simulation.frames(socket, count=20, where=is_later, step_ms=1000)
            info = await simulation.get("/api/v3/exchangeInfo")
            status = {s["symbol"]: s["status"] for s in info["symbols"]}
            assert (status["BTCUSDT"], status["ETHUSDT"]) == ("BREAK", "TRADING")
            async with simulation.client.delete("/sim/faults"):
                pass
            after = await simulation.frames(socket, count=40, where=is_trade, step_ms=1000)
        assert {f["data"]["s"] for f in late} == {"ETHUSDT"}
        ids = [f["data"]["t"] for f in (*first, *early, *after) if f["data"]["s"] == "BTCUSDT"]
        assert holes(ids) == []

    simulated(body)


def test_an_outage_resets_sockets_refuses_new_ones_and_answers_nothing(simulated):
    async def body(simulation):
        async with simulation.client.ws_connect(STREAM) as socket:
            await simulation.command(kind="outage", venue="binance")
            while (message := await socket.receive(timeout=20)).type is WSMsgType.TEXT:
                pass
            assert message.type in {WSMsgType.CLOSED, WSMsgType.ERROR, WSMsgType.CLOSE}
        with pytest.raises((ClientConnectionError, WSServerHandshakeError)):
            await simulation.client.ws_connect(STREAM)
        with pytest.raises(ClientConnectionError):
            await simulation.client.get("/api/v3/time")
        assert (await simulation.get("/0/public/Time"))["error"] == []
        async with simulation.client.delete("/sim/faults"):
            pass
        assert "serverTime" in await simulation.get("/api/v3/time")

    simulated(body)
