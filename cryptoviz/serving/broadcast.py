"""Turns what the markets do into events: at most twenty times a second per channel, and once a second how all stands.

A candle is told while it forms, once when its window has ended, and again when the lake has its final one; where that
differs from what was shown, the event says both.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from cryptoviz.lake.symbols import Instrument
from cryptoviz.serving import events
from cryptoviz.serving.candle_reader import CandleReader, Range
from cryptoviz.serving.events import Channel
from cryptoviz.serving.forming import Forming, FormingCandles
from cryptoviz.serving.hub import Hub
from cryptoviz.serving.intervals import INTERVALS, Served
from cryptoviz.serving.live import Live
from cryptoviz.serving.minute import LiveQuote, LiveTrade
from cryptoviz.serving.rows import final_candle
from cryptoviz.serving.snapshots import StoreUnavailable

_log = structlog.get_logger()

STATUS = Channel("status")
TICKS = Channel("ticks")
_PERIOD_S = 0.05
_TRADES_TOLD = 50
_GRACE = timedelta(seconds=2)
_COMPARED = ("open", "high", "low", "close", "volume", "trade_count")
_FINALS_LOOKED_AT = 20


@dataclass(frozen=True, slots=True)
class _Told:
    """Final candles of a channel as of a version of their table."""

    version: int
    finals: dict[datetime, dict[str, Any]]


class Broadcast:
    """Publishes to a hub while :meth:`run` runs."""

    def __init__(
        self, hub: Hub, live: Live, forming: FormingCandles, reader: CandleReader, *, clock: Callable[[], datetime]
    ) -> None:
        self._hub, self._live, self._forming, self._reader, self._clock = hub, live, forming, reader, clock
        self._trades: dict[Instrument, list[LiveTrade]] = {}
        self._quotes: dict[Instrument, LiveQuote] = {}
        self._shown: dict[Channel, dict[datetime, Forming]] = {}
        self._told: dict[Channel, _Told] = {}
        live.listen(self._changed)

    async def run(self) -> None:
        """Publish until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tell_news())
            tasks.create_task(self._tell_status())
            tasks.create_task(self._tell_finals())

    def _changed(self, instrument: Instrument, trades: list[LiveTrade], quote: LiveQuote | None) -> None:
        self._trades.setdefault(instrument, []).extend(trades)
        if quote:
            self._quotes[instrument] = quote

    async def _tell_news(self) -> None:
        while True:
            await asyncio.sleep(_PERIOD_S)
            trades, self._trades = self._trades, {}
            quotes, self._quotes = self._quotes, {}
            now = self._clock()
            for channel in self._hub.channels():
                with contextlib.suppress(StoreUnavailable, OSError):
                    self._tell(channel, trades, quotes, now)

    def _tell(
        self,
        channel: Channel,
        trades: dict[Instrument, list[LiveTrade]],
        quotes: dict[Instrument, LiveQuote],
        now: datetime,
    ) -> None:
        instrument = channel.instrument
        if instrument is None:
            return
        now_ms = int(now.timestamp() * 1000)
        if channel.kind == "trade":
            for trade in trades.get(instrument, [])[-_TRADES_TOLD:]:
                self._hub.publish(channel, own_trade(trade), events.binance_trade(trade, now_ms))
        elif channel.kind == "quote" and instrument in quotes:
            quote = quotes[instrument]
            self._hub.publish(channel, events.own_quote(quote), events.binance_book_ticker(quote))
        elif channel.kind == "candle":
            self._tell_candle(channel, instrument, now, is_new=bool(trades.get(instrument)))

    def _tell_candle(self, channel: Channel, instrument: Instrument, now: datetime, *, is_new: bool) -> None:
        interval = INTERVALS[channel.interval]
        shown = self._shown.setdefault(channel, {})
        # A trade of the window before may come a moment after its end, so one still open is looked at with each trade.
        unsettled = [start for start, one in shown.items() if one.is_open and (is_new or one.end + _GRACE <= now)]
        current = [interval.start_of(now)] if is_new else []
        for start in dict.fromkeys([*unsettled, *current]):
            self._show(channel, instrument, interval, start, now)

    def _show(self, channel: Channel, instrument: Instrument, interval: Served, start: datetime, now: datetime) -> None:
        # Within the grace an ended window is told as open: its last trades may still be on their way.
        found = self._forming.window(instrument, interval, start, now - _GRACE)
        shown = self._shown[channel]
        if found is None or (shown.get(start) == found):
            return
        shown[start] = found
        while len(shown) > _FINALS_LOOKED_AT * 2:
            del shown[min(shown)]
        now_ms = int(now.timestamp() * 1000)
        kline = events.binance_kline(instrument, interval.name, found, now_ms)
        self._hub.publish(channel, events.own_candle(found), kline)

    async def _tell_status(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            self._hub.publish(STATUS, self.status())
            self._hub.publish(TICKS, self.ticks())

    def status(self) -> dict[str, Any]:
        """How fresh each venue and the lake are, by the clock of the server."""
        now = self._clock()
        venues = {
            str(venue): {
                "age_s": round(max(0.0, now.timestamp() - fresh.heard), 2),
                "stale_after_s": round(fresh.stale_after_s, 1),
                "lag_ms": round(fresh.lag_ms),
            }
            for venue, fresh in self._live.venues.items()
        }
        lake = self._reader.freshness()
        return {
            "now": int(now.timestamp() * 1000),
            "venues": venues,
            "lake": {"age_s": round(lake.age_s, 1), "failure": lake.doubt} if lake else None,
            "clients": len(self._hub.subscribers),
        }

    def ticks(self) -> list[dict[str, Any]]:
        """Last price, bid and ask of every market."""
        found = []
        for instrument, market in self._live.markets.items():
            last = market.trades[-1] if market.trades else None
            quote = events.own_quote(market.quote) if market.quote else {}
            found.append(
                {
                    "venue": instrument.venue, "symbol": instrument.symbol,
                    "price": events.plain(last.price) if last else None,
                    "time": last.time_us // 1000 if last else None,
                    "bid": quote.get("bid"), "ask": quote.get("ask"),
                }
            )  # fmt: skip
        return found

    async def _tell_finals(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            for channel in [c for c in self._hub.channels() if c.kind == "candle"]:
                try:
                    found = await asyncio.to_thread(self._finals, channel)
                except (StoreUnavailable, OSError) as error:
                    _log.warning("the lake's candles cannot be read", reason=str(error))
                    break
                for own in found:
                    self._hub.publish(Channel("final", channel.instrument, channel.interval), own)

    def _finals(self, channel: Channel) -> list[dict[str, Any]]:
        """Final candles of the lake that are new or changed since the last look; the first look tells nothing."""
        interval, instrument = INTERVALS[channel.interval], channel.instrument
        assert instrument is not None  # noqa: S101 - channels of candles have a market
        _, snapshot = self._reader.source(interval)
        before = self._told.get(channel)
        if before and before.version == snapshot.version:
            return []
        rows = self._reader.read(instrument, interval, Range(first=None, end=None, limit=_FINALS_LOOKED_AT)).frame
        finals = {row["window_start"]: row for row in rows.iter_rows(named=True) if row["status"] != "open"}
        self._told[channel] = _Told(snapshot.version, finals)
        known = before.finals if before else finals
        return [self._compared(channel, row) for start, row in finals.items() if known.get(start) != row]

    def _compared(self, channel: Channel, row: dict[str, Any]) -> dict[str, Any]:
        own = final_candle(row)
        shown = self._shown.get(channel, {}).get(row["window_start"])
        if shown:
            said = events.own_candle(shown)
            own["differs"] = {name: said[name] for name in _COMPARED if said[name] != own[name]}
        return own


def own_trade(trade: LiveTrade) -> dict[str, Any]:
    """A trade as our streams have it."""
    return {
        "trade_id": trade.first_id,
        "time": trade.time_us / 1000,
        "price": events.plain(trade.price),
        "quantity": events.plain(trade.quantity),
        "side": "buy" if trade.is_buyer_aggressor else "sell",
    }
