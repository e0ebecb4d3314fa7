"""``/api/v3``: market data in the shapes of Binance's spot REST API, so that its clients work with another URL.

Shapes after https://developers.binance.com/docs/binance-spot-api-docs/rest-api.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from fastapi.concurrency import run_in_threadpool

from cryptoviz.lake.symbols import Instrument
from cryptoviz.serving import past_trades
from cryptoviz.serving.candle_reader import Range
from cryptoviz.serving.day import DAY, DayStatistics, day_statistics
from cryptoviz.serving.errors import BAD_PARAMETER, ApiError, InvalidInterval
from cryptoviz.serving.events import padded
from cryptoviz.serving.exchange_info import exchange_info
from cryptoviz.serving.intervals import INTERVALS
from cryptoviz.serving.kline_rows import kline_rows
from cryptoviz.serving.minute import LiveTrade, microseconds
from cryptoviz.serving.parts import Parts, TheParts

_LAST_MS = 4_102_444_800_000
"""The year 2100."""
Symbol = Annotated[str, Query(max_length=41, description="BTCUSDT; BTC-USDT and kraken:BTC-USD are understood too.")]
OptionalSymbol = Annotated[str | None, Query(max_length=41, description="One market; all without it.")]
Symbols = Annotated[str | None, Query(max_length=4000, description='Several markets, ["BTCUSDT","ETHUSDT"].')]
Millis = Annotated[int | None, Query(ge=0, le=_LAST_MS, description="Milliseconds since 1970, UTC.")]
Limit = Annotated[int, Query(ge=1, le=1_000_000, description="Rows, at most 1000.")]
FirstId = Annotated[int | None, Query(alias="fromId", ge=0, le=2**63 - 1, description="Trades from this id on.")]
_MOST = 1000
_SEARCHED = 20_000


router = APIRouter(prefix="/api/v3", tags=["Binance-shaped"])
derivatives = APIRouter(tags=["Binance-shaped"])


@router.get("/ping")
async def ping() -> dict[str, Any]:
    """Nothing, quickly."""
    return {}


@router.get("/time")
async def time(parts: TheParts) -> dict[str, int]:
    """The clock of the server."""
    return {"serverTime": int(parts.clock().timestamp() * 1000)}


@router.get("/exchangeInfo")
async def info(parts: TheParts, symbol: OptionalSymbol = None, symbols: Symbols = None) -> dict[str, Any]:
    """The markets."""
    return await run_in_threadpool(exchange_info, parts, _chosen(parts, symbol, symbols))


@derivatives.get("/fapi/v1/exchangeInfo")
@derivatives.get("/dapi/v1/exchangeInfo")
async def no_derivatives(parts: TheParts) -> dict[str, Any]:
    """Clients of Binance ask for futures too before they list markets; there are none."""
    return await run_in_threadpool(exchange_info, parts, [])


@router.get("/klines")
@router.get("/uiKlines")
async def klines(
    parts: TheParts,
    symbol: Symbol,
    interval: Annotated[str, Query(max_length=4)],
    start: Annotated[Millis, Query(alias="startTime")] = None,
    end: Annotated[Millis, Query(alias="endTime")] = None,
    limit: Limit = 500,
) -> Response:
    """Candles by time, the one in progress last."""
    instrument, served = parts.markets.find(symbol), INTERVALS.get(interval)
    if served is None:
        raise InvalidInterval
    wanted = Range(first=_instant(start), end=_after(end), limit=min(limit, _MOST))
    if parts.reader.is_ready(served, wanted):
        rows = kline_rows(parts, instrument, served, wanted)
    else:
        rows = await run_in_threadpool(kline_rows, parts, instrument, served, wanted)
    return _raw(b"[" + b",".join(rows) + b"]")


@router.get("/ticker/price")
async def price(parts: TheParts, symbol: OptionalSymbol = None, symbols: Symbols = None) -> Any:
    """Last prices."""
    found = await run_in_threadpool(day_statistics, parts, _chosen(parts, symbol, symbols))
    rows = [{"symbol": _name(one), "price": padded(one.part.close)} for one in found if one.part]
    return _one_or_all(rows, symbol)


@router.get("/ticker/24hr")
async def day(
    parts: TheParts,
    symbol: OptionalSymbol = None,
    symbols: Symbols = None,
    form: Annotated[Literal["FULL", "MINI"], Query(alias="type")] = "FULL",
) -> Any:
    """The last 24 hours."""
    found = await run_in_threadpool(day_statistics, parts, _chosen(parts, symbol, symbols))
    rows = [_mini(one) if form == "MINI" else _full(parts, one) for one in found if one.part]
    return _one_or_all(rows, symbol)


@router.get("/ticker/bookTicker")
async def book(parts: TheParts, symbol: OptionalSymbol = None, symbols: Symbols = None) -> Any:
    """Best bids and asks; a market whose quotes are not listened to is left out."""
    rows = [row for one in _chosen(parts, symbol, symbols) if (row := _book(parts, one))]
    return _one_or_all(rows, symbol)


@router.get("/trades")
@router.get("/historicalTrades")
async def trades(parts: TheParts, symbol: Symbol, limit: Limit = 500, first: FirstId = None) -> list[dict[str, Any]]:
    """Trades by id."""
    wanted = _Trades(parts.markets.find(symbol), min(limit, _MOST), first)
    return [past_trades.binance_rest_trade(trade) for trade in await run_in_threadpool(_trades, parts, wanted)]


@router.get("/aggTrades")
async def aggregates(
    parts: TheParts,
    symbol: Symbol,
    first: FirstId = None,
    start: Annotated[Millis, Query(alias="startTime")] = None,
    end: Annotated[Millis, Query(alias="endTime")] = None,
    limit: Limit = 500,
) -> list[dict[str, Any]]:
    """Trades by id, in the shape of aggregates; a range of time is at most one hour."""
    wanted = _Trades(parts.markets.find(symbol), min(limit, _MOST), first, _instant(start), _after(end))
    return [past_trades.binance_aggregate(trade) for trade in await run_in_threadpool(_trades, parts, wanted)]


@dataclass(frozen=True, slots=True)
class _Trades:
    instrument: Instrument
    limit: int
    first_id: int | None
    start: datetime | None = None
    end: datetime | None = None


def _trades(parts: Parts, wanted: _Trades) -> list[LiveTrade]:
    if wanted.first_id is None and wanted.start is None:
        found = past_trades.newest_trades(parts, wanted.instrument, wanted.limit)
        return [trade for trade in found if wanted.end is None or trade.time_us < microseconds(wanted.end)]
    begin = wanted.start or past_trades.time_of_id(parts, wanted.instrument, wanted.first_id or 0)
    if begin is None:
        return []
    stop = wanted.end or begin + timedelta(hours=1)
    limit = wanted.limit if wanted.first_id is None else _SEARCHED
    rows = past_trades.lake_trades(parts, wanted.instrument, begin, stop, limit)
    found = past_trades.from_lake(rows, wanted.instrument)
    return [trade for trade in found if wanted.first_id is None or trade.last_id >= wanted.first_id][: wanted.limit]


def _chosen(parts: Parts, symbol: str | None, symbols: str | None) -> list[Instrument]:
    if symbol is not None and symbols is not None:
        raise ApiError(BAD_PARAMETER, "Combination of optional parameters invalid: symbol and symbols.")
    if symbol is not None:
        return [parts.markets.find(symbol)]
    if symbols is None:
        return parts.markets.listed()
    return [parts.markets.find(name) for name in _listed(symbols)]


def _listed(symbols: str) -> list[str]:
    try:
        names = json.loads(symbols)
    except (ValueError, RecursionError):
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names) or not 0 < len(names) <= 100:
        raise ApiError(BAD_PARAMETER, "Data sent for parameter 'symbols' is not valid: a JSON list of symbols.")
    return names


def _one_or_all(rows: list[dict[str, Any]], symbol: str | None) -> Any:
    if symbol is None:
        return rows
    if not rows:
        raise ApiError(-1013, "This market has no data yet.", status=404)
    return rows[0]


def _instant(millis: int | None) -> datetime | None:
    return None if millis is None else datetime.fromtimestamp(millis / 1000, UTC)


def _after(millis: int | None) -> datetime | None:
    """Binance's end is inclusive."""
    return None if millis is None else datetime.fromtimestamp(millis / 1000, UTC) + timedelta(milliseconds=1)


def _name(one: DayStatistics) -> str:
    return one.instrument.base + one.instrument.quote


def _mini(one: DayStatistics) -> dict[str, Any]:
    part = one.part
    assert part is not None  # noqa: S101 - markets without trades are left out
    return {
        "symbol": _name(one), "openPrice": padded(part.open), "highPrice": padded(part.high),
        "lowPrice": padded(part.low), "lastPrice": padded(part.close), "volume": padded(part.volume),
        "quoteVolume": padded(part.quote_volume), "openTime": int(one.start.timestamp() * 1000),
        "closeTime": int((one.start + DAY).timestamp() * 1000), "firstId": part.first_trade_id,
        "lastId": part.last_trade_id, "count": part.trade_count,
    }  # fmt: skip


def _full(parts: Parts, one: DayStatistics) -> dict[str, Any]:
    book = _book(parts, one.instrument) or {}
    market = parts.live.markets.get(one.instrument)
    last = market.trades[-1].quantity if market and market.trades else None
    return _mini(one) | {
        "priceChange": padded(one.change), "priceChangePercent": f"{one.change_percent:f}",
        "weightedAvgPrice": padded(one.weighted_average), "prevClosePrice": _mini(one)["openPrice"],
        "lastQty": padded(last) if last is not None else "0.00000000", "bidPrice": book.get("bidPrice", "0.00000000"),
        "bidQty": book.get("bidQty", "0.00000000"), "askPrice": book.get("askPrice", "0.00000000"),
        "askQty": book.get("askQty", "0.00000000"),
    }  # fmt: skip


def _book(parts: Parts, instrument: Instrument) -> dict[str, Any] | None:
    market = parts.live.markets.get(instrument)
    if market is None or market.quote is None:
        return None
    quote = market.quote
    return {
        "symbol": instrument.base + instrument.quote, "bidPrice": padded(quote.bid),
        "bidQty": padded(quote.bid_quantity), "askPrice": padded(quote.ask), "askQty": padded(quote.ask_quantity),
    }  # fmt: skip


def _raw(body: bytes) -> Response:
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-cache"})
