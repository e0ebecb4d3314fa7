"""A lean venue of many markets at a fixed total rate, in the shapes of Binance: for what a producer holds.

``python -m benchmarks.inputs.flood_server PORT MARKETS RATE``. Trade ``n`` of a market happens ``n`` steps after the
first, so that socket and REST agree without memory; frames of a turn are written at once, so that the server costs
little beside what it measures. Begins to count when the first socket subscribes.
"""

import asyncio
import json
import sys
import time

from aiohttp import web

TURN_S = 0.02
PAGE = 1000
_FIRST_ID = 1_000_001


def symbols(count: int) -> list[str]:
    """The venue's spellings of the markets."""
    return [f"A{number}USDT" for number in range(count)]


class Flood:
    """Markets that trade at the same rate, one trade of each market in turn."""

    def __init__(self, *, markets: int, rate: int) -> None:
        self.markets, self._step_s, self._began = symbols(markets), markets / rate, time.time()
        self._sockets: dict[web.WebSocketResponse, asyncio.Transport] = {}

    def last_id(self, now: float) -> int:
        """Id of the last trade of each market."""
        return _FIRST_ID + int((now - self._began) / self._step_s)

    def routes(self) -> list[web.RouteDef]:
        """The socket, trades by id and time, and what else a producer asks for at its start."""
        return [
            web.get("/stream", self.socket),
            web.get("/api/v3/historicalTrades", self.trades),
            web.get("/api/v3/aggTrades", self.aggregates),
            web.get("/api/v3/klines", lambda _: _nothing("[]")),
            web.get("/api/v3/ticker/24hr", lambda _: _nothing("[]")),
            web.get("/api/v3/exchangeInfo", lambda _: _nothing('{"symbols":[]}')),
            web.get("/last", lambda _: _nothing(str(self.last_id(time.time())))),
        ]

    async def socket(self, request: web.Request) -> web.StreamResponse:
        """Tells every trade to each connection that has subscribed to trades."""
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        assert isinstance(request.transport, asyncio.Transport)  # noqa: S101 - an open request has one
        try:
            async for message in socket:
                asked = json.loads(message.data)
                await socket.send_json({"result": None, "id": asked["id"]})
                if "@trade" in asked["params"][0]:
                    self._sockets[socket] = request.transport
        finally:
            self._sockets.pop(socket, None)
        return socket

    async def trades(self, request: web.Request) -> web.Response:
        """A page from an id."""
        first, count = int(request.query["fromId"]), int(request.query["limit"])
        ids = range(first, min(first + count, self.last_id(time.time()) + 1))
        rows = ",".join(
            f'{{"id":{n},"price":"60000.01000000","qty":"0.00100000","time":{self._time_ms(n)},"isBuyerMaker":true}}'
            for n in ids
        )
        return web.Response(text=f"[{rows}]", content_type="application/json")

    async def aggregates(self, request: web.Request) -> web.Response:
        """The first trade at or after an instant, as an aggregate of itself."""
        number = _FIRST_ID + max(0, int((int(request.query["startTime"]) / 1000 - self._began) / self._step_s))
        row = {"a": number, "p": "60000.01", "q": "0.001", "f": number, "l": number, "T": self._time_ms(number)}
        return web.json_response([{**row, "m": True}])

    async def tell(self) -> None:
        """Write what was traded since the last turn, until cancelled."""
        told = self.last_id(time.time())
        while True:
            await asyncio.sleep(TURN_S)
            last = self.last_id(time.time())
            if self._sockets and last > told:
                said = b"".join(_frame(symbol, n, self._time_ms(n)) for n in range(told + 1, last + 1)
                                for symbol in self.markets)  # fmt: skip
                for transport in self._sockets.values():
                    transport.write(said)
            told = last

    def _time_ms(self, number: int) -> int:
        return int((self._began + (number - _FIRST_ID) * self._step_s) * 1000)


def _frame(symbol: str, number: int, time_ms: int) -> bytes:
    """A text frame of RFC 6455 that is not masked, as servers send."""
    text = (
        f'{{"stream":"{symbol.lower()}@trade","data":{{"e":"trade","E":{time_ms},"s":"{symbol}","t":{number},'
        f'"p":"60000.01000000","q":"0.00100000","T":{time_ms},"m":true,"M":true}}}}'
    ).encode()
    return b"\x81\x7e" + len(text).to_bytes(2, "big") + text


async def _nothing(text: str) -> web.Response:
    return web.Response(text=text, content_type="application/json")


async def _serve(port: int, markets: int, rate: int) -> None:
    flood = Flood(markets=markets, rate=rate)
    app = web.Application()
    app.add_routes(flood.routes())
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await flood.tell()


if __name__ == "__main__":
    asyncio.run(_serve(*map(int, sys.argv[1:4])))
