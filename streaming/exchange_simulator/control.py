"""What only a simulator has: its state, the truth of its markets, faults and rules by command."""

from dataclasses import asdict
from decimal import Decimal
from typing import Any

from aiohttp import web

from streaming.exchange_simulator.exchange import Exchange, Listed
from streaming.exchange_simulator.faults import UnknownFault
from streaming.exchange_simulator.market import Trades
from streaming.exchange_simulator.rules import UnknownRule
from streaming.exchange_simulator.texts import price_text, quantity_text

_PAGE = 100_000


class Control:
    """Routes under ``/sim``, and the health page."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def routes(self) -> list[web.RouteDef]:
        """All of them."""
        return [
            web.get("/healthz", self.health),
            web.get("/sim/state", self.state),
            web.get("/sim/truth", self.truth),
            web.get("/sim/truth/trades", self.trades),
            web.get("/sim/struck", self.struck),
            web.post("/sim/faults", self.add_fault),
            web.delete("/sim/faults", self.clear_faults),
            web.patch("/sim/rules", self.change_rules),
            web.post("/sim/lost", self.lose),
        ]

    async def health(self, _: web.Request) -> web.Response:
        """Always well."""
        return web.json_response({"status": "ok", "detail": {"markets": len(self._exchange.listed)}})

    async def state(self, _: web.Request) -> web.Response:
        """Counts, faults in force and how often they struck, rules, markets."""
        faults = self._exchange.faults
        body: dict[str, Any] = {"counts": self._exchange.counts, "faults": faults.describe(), "struck": faults.struck}
        body |= {"rules": asdict(self._exchange.rules), "markets": list(self._exchange.listed)}
        return web.json_response(body)

    async def truth(self, request: web.Request) -> web.Response:
        """Count, ids and exact sums of `[from_ms, to_ms)` of a market, ``?market=binance:BTC-USDT``."""
        one = self._market(request)
        trades = one.market.between(int(request.query["from_ms"]), int(request.query["to_ms"]))
        quantity = Decimal(int(trades.lots.sum())).scaleb(-one.listing.lot_decimals)
        ids = (int(trades.ids[0]), int(trades.ids[-1])) if len(trades) else (None, None)
        return web.json_response(
            {"count": len(trades), "first_id": ids[0], "last_id": ids[1], "quantity": f"{quantity:f}"}
        )

    async def trades(self, request: web.Request) -> web.Response:
        """Everything traded in `[from_ms, to_ms)`, now at the latest: rows of id, nanoseconds, price, quantity, side.

        At most 100,000 rows; ``is_whole`` tells whether these are all.
        """
        one = self._market(request)
        end = min(int(request.query["to_ms"]), self._exchange.clock())
        found = one.market.between(int(request.query["from_ms"]), end)
        rows = [_row(one, found, i) for i in range(min(len(found), _PAGE))]
        return web.json_response({"trades": rows, "is_whole": len(found) <= _PAGE, "lost": one.market.lost})

    async def struck(self, _: web.Request) -> web.Response:
        """The last 10,000 strikes of faults, with the ids of the trades in the message."""
        return web.json_response([asdict(strike) for strike in self._exchange.faults.journal])

    async def add_fault(self, request: web.Request) -> web.Response:
        """Put a fault in force; the body holds the arguments of :meth:`Faults.add`."""
        try:
            self._exchange.faults.add(**await request.json())
        except (UnknownFault, TypeError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response(self._exchange.faults.describe())

    async def clear_faults(self, _: web.Request) -> web.Response:
        """End all faults."""
        self._exchange.faults.clear()
        return web.json_response([])

    async def change_rules(self, request: web.Request) -> web.Response:
        """Set some rules."""
        try:
            self._exchange.rules.change(**await request.json())
        except (UnknownRule, TypeError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response(asdict(self._exchange.rules))

    async def lose(self, request: web.Request) -> web.Response:
        """Forget the ids ``first_id`` to ``last_id`` of ``market`` for good, on socket and REST."""
        body = await request.json()
        one = self._exchange.listed.get(body.get("market", ""))
        if one is None:
            return web.json_response({"error": "no such market"}, status=400)
        one.market.lose(int(body["first_id"]), int(body["last_id"]))
        return web.json_response({"lost": one.market.lost})

    def _market(self, request: web.Request) -> Listed:
        one = self._exchange.listed.get(request.query.get("market", ""))
        if one is None:
            raise web.HTTPBadRequest(text=f"market is one of {', '.join(self._exchange.listed)}")
        return one


def _row(one: Listed, trades: Trades, i: int) -> list[Any]:
    price, quantity = price_text(one.listing, int(trades.ticks[i])), quantity_text(one.listing, int(trades.lots[i]))
    return [int(trades.ids[i]), trades.time_ns(i), price, quantity, "buy" if trades.buys[i] else "sell"]
