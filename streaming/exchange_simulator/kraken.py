"""Kraken spot: REST Trades, OHLC, AssetPairs, Time, and the trade channel of socket v2.

Shapes after https://docs.kraken.com/api. ``since`` of Trades is a time in nanoseconds; trades after it are returned.
"""

import json
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from cryptoviz.lake.symbols import Instrument, UnknownSymbol, Venue, from_venue, to_venue
from streaming.exchange_simulator.candles import fold
from streaming.exchange_simulator.exchange import Exchange
from streaming.exchange_simulator.market import EPOCH_MS, SeededMarket, Trades
from streaming.exchange_simulator.stream import Subscription, serve_socket
from streaming.exchange_simulator.texts import decimal_text

_OHLC_ROWS = 720


class Kraken:
    """Routes of the venue."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.markets = exchange.of(Venue.KRAKEN)

    def routes(self) -> list[web.RouteDef]:
        """Everything the venue answers."""
        calls = {"Time": self.time, "AssetPairs": self.asset_pairs, "Trades": self.trades, "OHLC": self.ohlc}
        return [web.get(f"/0/public/{name}", self._rest(call)) for name, call in calls.items()] + [
            web.get("/v2", self.socket)
        ]

    def _rest(self, call: Any) -> Any:
        async def answer(request: web.Request) -> web.StreamResponse:
            self.exchange.counts["kraken_requests"] += 1
            faults = self.exchange.faults
            if faults.strikes("ban", Venue.KRAKEN):
                self.exchange.counts["requests_while_banned"] += 1
                return web.json_response({"error": ["EAPI:Rate limit exceeded"]})
            if faults.strikes("http_5xx", Venue.KRAKEN) or faults.active("halt", Venue.KRAKEN):
                return web.Response(status=520, text="error code: 520")
            try:
                return web.json_response({"error": [], "result": call(request)})
            except (UnknownSymbol, KeyError, ValueError):
                return web.json_response({"error": ["EQuery:Unknown asset pair"]})

        return answer

    def time(self, _: web.Request) -> dict[str, Any]:
        """The venue's clock."""
        return {"unixtime": self.exchange.clock() // 1000}

    def asset_pairs(self, _: web.Request) -> dict[str, Any]:
        """All pairs."""
        return {_pair(i): _pair_info(i, market) for i, market in self.markets.items()}

    def trades(self, request: web.Request) -> dict[str, Any]:
        """Trades after an instant, oldest first, at most 1,000."""
        instrument, market = self._market(request)
        limit, now = min(1000, int(request.query.get("count", 1000))), self.exchange.clock()
        since_ns = int(request.query.get("since", 0))
        if since_ns:
            found = market.between(max(EPOCH_MS, since_ns // 1_000_000 + 1), min(now, _span(market, since_ns, limit)))
            found = found.where(found.ids < found.ids[0] + limit) if len(found) else found
        else:
            found = market.last_before(now, limit)
        last_ns = int(found.times[-1]) * 1_000_000 if len(found) else since_ns
        return {_pair(instrument): [_rest_row(market, found, i) for i in range(len(found))], "last": str(last_ns)}

    def ohlc(self, request: web.Request) -> dict[str, Any]:
        """The last 720 candles."""
        instrument, market = self._market(request)
        length, now = int(request.query.get("interval", 1)) * 60_000, self.exchange.clock()
        rows = fold(market, (now // length - _OHLC_ROWS + 1) * length, now, length)
        candles = [[r[0] // 1000, *r[1:5], r[4], r[5], r[8]] for r in rows]
        return {_pair(instrument): candles, "last": candles[-1][0] if candles else 0}

    def _market(self, request: web.Request) -> tuple[Instrument, SeededMarket]:
        instrument = from_venue(Venue.KRAKEN, request.query.get("pair", ""))
        return instrument, self.markets[instrument]

    async def socket(self, request: web.Request) -> web.StreamResponse:
        """One connection of socket v2."""
        return await serve_socket(request, self.exchange, Venue.KRAKEN, KrakenTrades(self))


class KrakenTrades(Subscription):
    """What one connection listens to."""

    def __init__(self, venue: Kraken) -> None:
        super().__init__()
        self._venue, self._beat = venue, 0

    def on_message(self, text: str) -> list[str]:
        """Answer subscribe, unsubscribe and ping."""
        message = json.loads(text)
        method, params = message.get("method"), message.get("params", {})
        if method == "ping":
            return ['{"method":"pong"}']
        symbols = params.get("symbol", [])
        if method == "unsubscribe":
            self.remove(symbols)
            return []
        return [self._subscribe(symbol) for symbol in symbols]

    def heartbeat(self, now_ms: int) -> list[str]:
        """One a second."""
        if now_ms - self._beat < 1000:
            return []
        self._beat = now_ms
        return ['{"channel":"heartbeat"}']

    def frames(self, name: str, market: SeededMarket, trades: Trades, now_ms: int) -> list[str]:
        """One update for all new trades of a symbol."""
        del now_ms
        rows = [_socket_row(name, market, trades, i) for i in range(len(trades))]
        return ['{"channel":"trade","type":"update","data":[' + ",".join(rows) + "]}"]

    def _subscribe(self, symbol: str) -> str:
        try:
            self.add(symbol, self._venue.markets[from_venue(Venue.KRAKEN, symbol)])
        except (UnknownSymbol, KeyError):
            return json.dumps(
                {"error": f"Currency pair not supported {symbol}", "method": "subscribe", "success": False}
            )
        result = {"channel": "trade", "symbol": symbol, "snapshot": False}
        return json.dumps({"method": "subscribe", "result": result, "success": True})


def _span(market: SeededMarket, since_ns: int, limit: int) -> int:
    """An instant by which so many trades have surely happened, in milliseconds."""
    return since_ns // 1_000_000 + int(limit / (market.listing.rate * 0.4) * 1000) + 60_000


def _pair(instrument: Instrument) -> str:
    return {"BTC-USD": "XXBTZUSD", "ETH-USD": "XETHZUSD"}.get(instrument.symbol, to_venue(instrument).replace("/", ""))


def _pair_info(instrument: Instrument, market: SeededMarket) -> dict[str, Any]:
    return {
        "altname": _pair(instrument),
        "wsname": to_venue(instrument).replace("BTC", "XBT"),
        "base": instrument.base,
        "quote": instrument.quote,
        "pair_decimals": market.listing.tick_decimals,
        "lot_decimals": market.listing.lot_decimals,
        "status": "online",
    }


def _rest_row(market: SeededMarket, trades: Trades, i: int) -> list[Any]:
    entry = market.listing
    return [
        decimal_text(int(trades.ticks[i]), entry.tick_decimals, 5),
        decimal_text(int(trades.lots[i]), entry.lot_decimals),
        int(trades.times[i]) / 1000, "b" if trades.buys[i] else "s", "m", "", int(trades.ids[i]),
    ]  # fmt: skip


def _socket_row(symbol: str, market: SeededMarket, trades: Trades, i: int) -> str:
    entry, stamp = market.listing, datetime.fromtimestamp(int(trades.times[i]) / 1000, UTC)
    price = decimal_text(int(trades.ticks[i]), entry.tick_decimals)
    quantity = decimal_text(int(trades.lots[i]), entry.lot_decimals)
    return (
        f'{{"symbol":"{symbol}","side":"{"buy" if trades.buys[i] else "sell"}","price":{price},'
        f'"qty":{quantity},"ord_type":"market","trade_id":{int(trades.ids[i])},"timestamp":"{stamp:%Y-%m-%dT%H:%M:%S.%f}Z"}}'
    )
