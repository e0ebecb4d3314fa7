"""``/api/v1``, the part that tells about the whole: markets, quality, sources, assets, the pipeline."""

import contextlib
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any

import polars as pl
from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from cryptoviz.inspect.gaps import gaps as gaps_of_ids
from cryptoviz.inspect.reach import Unreachable
from cryptoviz.inspect.tables import tables
from cryptoviz.lake.symbols import Venue
from cryptoviz.lake.tables import TABLES
from cryptoviz.serving import asked, quality
from cryptoviz.serving.alerts import frame_of, of_the_data
from cryptoviz.serving.conditions import Alert
from cryptoviz.serving.day import DayStatistics, day_statistics
from cryptoviz.serving.events import plain
from cryptoviz.serving.formats import Format, respond
from cryptoviz.serving.parts import Parts, TheParts
from cryptoviz.serving.rest_v1 import Chosen
from cryptoviz.serving.snapshots import StoreUnavailable
from cryptoviz.serving.tables_by_name import Selection


class GapKind(StrEnum):
    """What can be missing."""

    MINUTES = "minutes"
    IDS = "ids"


router = APIRouter(prefix="/api/v1", tags=["cryptoviz"])


@router.get("/tickers")
async def tickers(parts: TheParts) -> dict[str, Any]:
    """Every market: last price, the last 24 hours, best bid and ask."""
    found = await run_in_threadpool(day_statistics, parts, list(parts.markets))
    return {"data": [_ticker(parts, one) for one in found]}


@router.get("/quality")
async def quality_grid(
    parts: TheParts, request: Request, hours: asked.Hours = 24, form: asked.Form = Format.JSON
) -> Response:
    """Minutes by status, one row a market and hour, and their shares."""
    end = parts.clock()
    first = end.replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours - 1)
    minutes = await run_in_threadpool(quality.minutes_between, parts, first, end)
    grid = quality.status_grid(minutes)
    return respond(request, grid, {"hours": hours, "summary": quality.summary(grid)}, form)


@router.get("/gaps")
async def gaps(
    parts: TheParts,
    request: Request,
    chosen: Chosen,
    kind: Annotated[GapKind, Query(description="Of what: minutes or trade ids.")] = GapKind.MINUTES,
    form: asked.Form = Format.JSON,
) -> Response:
    """Stretches of minutes nothing is known of, or gaps in the trade ids: each with its cause and its fate."""
    find = _missing_ids if kind is GapKind.IDS else _unknown_minutes
    found = (await run_in_threadpool(find, parts, chosen)).tail(chosen.limit)
    reason = "" if found.height else f"no {kind} are missing"
    return respond(request, found, {"kind": str(kind), "rows": found.height, "reason": reason}, form)


@router.get("/alerts")
async def alerts(parts: TheParts, request: Request, chosen: Chosen, form: asked.Form = Format.JSON) -> Response:
    """What is and was wrong: services, silent venues, gaps, blind minutes, candles that differ from the venue's."""
    end = min(chosen.end, parts.clock())
    known: list[Alert] = []
    # What the lake would tell is missing while it is away; that it is away is told all the same.
    with contextlib.suppress(StoreUnavailable, OSError):
        known = await run_in_threadpool(of_the_data, parts, max(chosen.first, end - timedelta(days=7)), end)
    found = frame_of([*known, *parts.conditions.told()])
    found = found.filter(pl.col("fired_time").is_between(chosen.first, chosen.end, closed="left"))
    found = _of_market(found, chosen).tail(chosen.limit)
    firing = int(found["ended_time"].is_null().sum())
    reason = "" if found.height else "nothing is wrong"
    return respond(request, found, {"rows": found.height, "firing": firing, "reason": reason}, form)


@router.get("/reconciliation")
async def reconciliation(
    parts: TheParts, request: Request, hours: asked.Hours = 24, form: asked.Form = Format.JSON
) -> Response:
    """Our hourly candles beside those the venue published."""
    end = parts.clock()
    found = await run_in_threadpool(quality.reconciled, parts, end - timedelta(hours=hours), end)
    equal = int((found["differs"].list.len() == 0).sum()) if found.height else 0
    reason = "" if found.height else "there is no final hour that the venue has published too"
    return respond(request, found, {"rows": found.height, "equal": equal, "reason": reason}, form)


@router.get("/sources")
async def sources(parts: TheParts) -> dict[str, Any]:
    """Every venue: its markets, how fresh it is, how late its records come."""
    venues = parts.broadcast.status()["venues"]
    found = [
        {
            "venue": str(venue),
            "markets": [one.symbol for one in parts.markets if one.venue is venue],
            "is_heard": str(venue) in venues,
            **venues.get(str(venue), {}),
        }
        for venue in Venue
        if any(one.venue is venue for one in parts.markets)
    ]
    return {"data": found, "consumer": parts.live_health()}


@router.get("/assets")
async def assets(parts: TheParts) -> dict[str, Any]:
    """Every table of the lake: what it holds, who writes it, how much there is and how fresh."""
    known = {one.name: one.as_dict() for one in await run_in_threadpool(tables, parts.settings.lake)}
    rows = [
        {
            "name": table.name, "doc": table.doc, "owner": str(table.owner), "key": table.key,
            "columns": [{"name": c.name, "type": str(c.type), "doc": c.doc, "nullable": c.nullable}
                        for c in table.columns],
            "state": known.get(table.name),
        }
        for table in TABLES
    ]  # fmt: skip
    return {"data": rows}


@router.get("/pipeline")
async def whole_pipeline(parts: TheParts) -> dict[str, Any]:
    """Services, topics and tables at this moment, and where their own pages are."""
    found = await run_in_threadpool(parts.pipeline.now)
    watched = {
        name: {"version": one.version, "age_s": round(one.age_s, 1), "failure": one.doubt}
        for name, one in parts.snapshots.watched().items()
    }
    return {
        **found,
        "live": parts.live_health(),
        "streams": parts.broadcast.status(),
        "snapshots": watched,
        "cache_bytes": parts.chunks.bytes,
    }


def _missing_ids(parts: Parts, chosen: Selection) -> pl.DataFrame:
    try:
        known = gaps_of_ids(parts.settings.lake, venue=chosen.venue, symbol=chosen.symbol)
    except Unreachable as error:
        raise StoreUnavailable(str(error)) from error
    return known.filter(pl.col("opened_time").is_between(chosen.first, chosen.end, closed="left")).sort(
        "opened_time", "venue", "symbol", "first_id"
    )


def _unknown_minutes(parts: Parts, chosen: Selection) -> pl.DataFrame:
    end = min(chosen.end, parts.clock())
    minutes = quality.minutes_between(parts, max(chosen.first, end - timedelta(days=31)), end)
    return _of_market(quality.unknown_stretches(minutes), chosen)


def _of_market(rows: pl.DataFrame, chosen: Selection) -> pl.DataFrame:
    for name, value in (("venue", chosen.venue), ("symbol", chosen.symbol)):
        rows = rows.filter(pl.col(name) == value) if value else rows
    return rows


def _ticker(parts: Parts, one: DayStatistics) -> dict[str, Any]:
    market = parts.live.markets.get(one.instrument)
    quote = market.quote if market else None
    known = {"venue": str(one.instrument.venue), "symbol": one.instrument.symbol, "base": one.instrument.base,
             "quote": one.instrument.quote}  # fmt: skip
    book = {"bid": plain(quote.bid), "ask": plain(quote.ask)} if quote else {"bid": None, "ask": None}
    if one.part is None:
        return known | book | {"last": None}
    part = one.part
    return known | book | {
        "last": plain(part.close), "open": plain(part.open), "high": plain(part.high), "low": plain(part.low),
        "volume": plain(part.volume), "quote_volume": plain(part.quote_volume), "trade_count": part.trade_count,
        "change": plain(one.change), "change_percent": f"{one.change_percent:f}",
        "since": int(one.known_from.timestamp() * 1000),
    }  # fmt: skip
