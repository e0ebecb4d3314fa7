"""Socket v2 of Kraken spot: `trade`, `ticker` (on trades or on the best prices), `ohlc`, status, heartbeat, ping."""

import json
import zlib
from collections.abc import Callable
from typing import Any

from aiohttp import web

from streaming.exchange_simulator.candles import candles
from streaming.exchange_simulator.exchange import Exchange, Listed
from streaming.exchange_simulator.intervals import last_windows, window_of
from streaming.exchange_simulator.kraken import shapes
from streaming.exchange_simulator.kraken.rest import INTERVALS
from streaming.exchange_simulator.market import Market, Trades
from streaming.exchange_simulator.quotes import Quote
from streaming.exchange_simulator.socket import Session, serve
from streaming.exchange_simulator.streams import Frame, PeriodicStream, QuoteStream, Stream, TradeStream
from streaming.exchange_simulator.texts import rfc3339

_VENUE = "kraken"
_SNAPSHOT_TRADES, _SNAPSHOT_CANDLES = 50, 720


class KrakenSockets:
    """The route of the venue's socket."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.markets = {shapes.socket_name(one.listing): one for one in exchange.of(_VENUE).values()}

    def routes(self) -> list[web.RouteDef]:
        """``/v2``."""
        return [web.get("/v2", self.socket)]

    async def socket(self, request: web.Request) -> web.StreamResponse:
        """One connection."""
        return await serve(request, self.exchange, _VENUE, KrakenSession(self))


class KrakenSession(Session):
    """What one connection listens to."""

    def __init__(self, venue: KrakenSockets) -> None:
        super().__init__()
        self._venue, self._beat = venue, 0

    def opened(self) -> list[str]:
        """The venue's state, before anything is asked."""
        number = zlib.crc32(str(self._now()).encode())
        state = {"version": "2.0.10", "system": "online", "api_version": "v2", "connection_id": number}
        return [json.dumps({"channel": "status", "type": "update", "data": [state]})]

    def heartbeat(self, now_ms: int) -> list[str]:
        """One a second while something is subscribed."""
        if not self.streams or now_ms - self._beat < 1000:
            return []
        self._beat = now_ms
        return ['{"channel":"heartbeat"}']

    def on_message(self, text: str) -> list[str]:
        """Answer subscribe, unsubscribe and ping."""
        try:
            message = json.loads(text)
            method, params = message.get("method"), message.get("params", {})
        except (ValueError, AttributeError):
            return [json.dumps({"error": "Malformed request", "success": False})]
        request = {"req_id": message["req_id"]} if "req_id" in message else {}
        stamps = dict.fromkeys(("time_in", "time_out"), rfc3339(self._now() * 1_000_000))
        if method == "ping":
            return [json.dumps({"method": "pong", **request, **stamps})]
        if method not in {"subscribe", "unsubscribe"}:
            return [json.dumps({"error": "Method not found", "method": method, "success": False, **request, **stamps})]
        act = self._subscribe if method == "subscribe" else self._unsubscribe
        answers: list[str] = []
        for symbol in params.get("symbol", []):
            answers += act(symbol, params, {**request, **stamps})
        return answers

    def _subscribe(self, symbol: str, params: dict[str, Any], stamps: dict[str, Any]) -> list[str]:
        channel, one = params.get("channel"), self._venue.markets.get(symbol)
        if one is None:
            return [_refused("subscribe", f"Currency pair not supported {symbol}", symbol, stamps)]
        stream = self._stream(one, params)
        if stream is None:
            return [_refused("subscribe", f"Channel {channel} not supported", symbol, stamps)]
        wants_snapshot = params.get("snapshot", True)
        result = {"channel": channel, "symbol": symbol, "snapshot": wants_snapshot}
        result |= {name: params[name] for name in ("interval", "event_trigger") if name in params}
        answer = json.dumps({"method": "subscribe", "result": result, "success": True, **stamps})
        self.listen(_key(symbol, params), stream, self._now())
        return [answer, *(self._snapshot(one, params) if wants_snapshot else [])]

    def _unsubscribe(self, symbol: str, params: dict[str, Any], stamps: dict[str, Any]) -> list[str]:
        self.streams.pop(_key(symbol, params), None)
        result = {"channel": params.get("channel"), "symbol": symbol}
        return [json.dumps({"method": "unsubscribe", "result": result, "success": True, **stamps})]

    def _stream(self, one: Listed, params: dict[str, Any]) -> Stream | None:
        match params.get("channel"):
            case "trade":
                return TradeStream(one, _trades("update"))
            case "ticker" if params.get("event_trigger") == "bbo":
                return QuoteStream(one, lambda _, quote: _on_quote(one, quote))
            case "ticker":
                return TradeStream(one, lambda _, trades: _tickers(one, int(trades.times[-1]) + 1, "update"))
            case "ohlc" if params.get("interval", 1) in INTERVALS:
                minutes = params.get("interval", 1)
                return PeriodicStream(one, lambda listed, now: _open_candle(listed, now, minutes), period_ms=1000)
        return None

    def _snapshot(self, one: Listed, params: dict[str, Any]) -> list[str]:
        now, minutes = self._now(), params.get("interval", 1)
        match params["channel"]:
            case "trade":
                trades = one.market.last_before(now, _SNAPSHOT_TRADES)
                return [frame.text for frame in _trades("snapshot")(one.market, trades)] if len(trades) else []
            case "ticker":
                return [frame.text for frame in _tickers(one, now, "snapshot")]
        interval = INTERVALS[minutes]
        start = last_windows(interval, now - 1, _SNAPSHOT_CANDLES)
        found = candles(one.market, one.summaries, interval=interval, start_ms=start, end_ms=now, until_ms=now)
        elements = [shapes.socket_candle(one, candle, minutes) for candle in found]
        return [_message("ohlc", "snapshot", elements, now)] if elements else []

    def _now(self) -> int:
        return self._venue.exchange.clock()


def _key(symbol: str, params: dict[str, Any]) -> str:
    channel = params.get("channel")
    return f"{channel}:{symbol}:{params.get('interval', 1)}" if channel == "ohlc" else f"{channel}:{symbol}"


def _trades(kind: str) -> Callable[[Market, Trades], list[Frame]]:
    """One message for all new trades."""

    def render(market: Market, trades: Trades) -> list[Frame]:
        elements = [shapes.socket_trade(market, trades, i) for i in range(len(trades))]
        return [
            Frame(_message("trade", kind, elements), market.listing.symbol, int(trades.ids[0]), int(trades.ids[-1]))
        ]

    return render


def _tickers(one: Listed, now_ms: int, kind: str) -> list[Frame]:
    element = shapes.socket_ticker(one, now_ms)
    return [Frame(_message("ticker", kind, [element]), one.listing.symbol)] if element else []


def _on_quote(one: Listed, quote: Quote) -> Frame:
    element = shapes.socket_ticker(one, quote.time_ms + 1)
    return Frame(_message("ticker", "update", [element] if element else []), one.listing.symbol)


def _open_candle(one: Listed, now_ms: int, minutes: int) -> list[Frame]:
    start, _ = window_of(INTERVALS[minutes], now_ms - 1)
    found = candles(
        one.market, one.summaries, interval=INTERVALS[minutes], start_ms=start, end_ms=start + 1, until_ms=now_ms
    )
    elements = [shapes.socket_candle(one, candle, minutes) for candle in found]
    return [Frame(_message("ohlc", "update", elements, now_ms), one.listing.symbol)]


def _message(channel: str, kind: str, elements: list[str], now_ms: int | None = None) -> str:
    stamp = f'"timestamp":"{rfc3339(now_ms * 1_000_000, 9)}",' if now_ms is not None else ""
    return f'{{"channel":"{channel}","type":"{kind}",{stamp}"data":[{",".join(elements)}]}}'


def _refused(method: str, error: str, symbol: str, stamps: dict[str, Any]) -> str:
    return json.dumps({"error": error, "method": method, "success": False, "symbol": symbol, **stamps})
