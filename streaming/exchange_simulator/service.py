"""The simulator as a server: both venues on one port, faults by command, the truth on request."""

import asyncio
import signal
from decimal import Decimal
from typing import Any

from aiohttp import web

from cryptoviz.lake.symbols import parse_instrument
from cryptoviz.settings import Settings
from streaming.exchange_simulator.binance import Binance
from streaming.exchange_simulator.exchange import Exchange
from streaming.exchange_simulator.faults import UnknownFault
from streaming.exchange_simulator.kraken import Kraken


def run(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; always exits 0."""
    exchange = Exchange(seed=settings.exchange_seed, rate=settings.exchange_rate)
    asyncio.run(_serve(exchange, settings.ports.of("exchange")))
    return 0


def build_app(exchange: Exchange) -> web.Application:
    """The application: venues, `/sim/*`, `/healthz`."""
    app = web.Application()
    app.add_routes([*Binance(exchange).routes(), *Kraken(exchange).routes(), *_Control(exchange).routes()])
    return app


async def _serve(exchange: Exchange, port: int) -> None:
    runner = web.AppRunner(build_app(exchange), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, shutdown_timeout=1).start()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await stopping.wait()
    await runner.cleanup()


class _Control:
    """What only a simulator has."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/healthz", self.health),
            web.get("/sim/state", self.state),
            web.get("/sim/truth", self.truth),
            web.post("/sim/faults", self.add_fault),
            web.delete("/sim/faults", self.clear_faults),
        ]

    async def health(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "detail": {"markets": len(self._exchange.markets)}})

    async def state(self, _: web.Request) -> web.Response:
        faults = self._exchange.faults
        body: dict[str, Any] = {"counts": self._exchange.counts, "faults": faults.describe(), "struck": faults.struck}
        body["markets"] = [instrument.key for instrument in self._exchange.markets]
        return web.json_response(body)

    async def truth(self, request: web.Request) -> web.Response:
        """Count, ids and exact sums of `[from_ms, to_ms)` of a market, ``?market=binance:BTC-USDT``."""
        market = self._exchange.markets[parse_instrument(request.query["market"])]
        trades = market.between(int(request.query["from_ms"]), int(request.query["to_ms"]))
        quantity = Decimal(int(trades.lots.sum())).scaleb(-market.listing.lot_decimals)
        ids = (int(trades.ids[0]), int(trades.ids[-1])) if len(trades) else (None, None)
        return web.json_response(
            {"count": len(trades), "first_id": ids[0], "last_id": ids[1], "quantity": f"{quantity:f}"}
        )

    async def add_fault(self, request: web.Request) -> web.Response:
        try:
            self._exchange.faults.add(**await request.json())
        except (UnknownFault, TypeError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response(self._exchange.faults.describe())

    async def clear_faults(self, _: web.Request) -> web.Response:
        self._exchange.faults.clear()
        return web.json_response([])
