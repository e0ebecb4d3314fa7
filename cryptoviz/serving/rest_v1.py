"""``/api/v1``: candles with what is known about them, and everything the page shows."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from cryptoviz.lake.tables import BY_NAME
from cryptoviz.serving import asked
from cryptoviz.serving.candle_answer import CandleQuestion, answer_candles
from cryptoviz.serving.errors import BAD_PARAMETER, NOT_FOUND, ApiError
from cryptoviz.serving.forecast import forecast_history, latest_forecast
from cryptoviz.serving.formats import Format, respond
from cryptoviz.serving.lineage import lineage
from cryptoviz.serving.parts import TheParts
from cryptoviz.serving.tables_by_name import Selection, rows_of

router = APIRouter(prefix="/api/v1", tags=["cryptoviz"])


@router.get("/candles")
async def candles(
    parts: TheParts,
    request: Request,
    symbol: asked.Symbol,
    interval: asked.IntervalName = "1m",
    venue: asked.Venue = "",
    start: asked.Instant = "",
    end: asked.Instant = "",
    limit: asked.CandleLimit = 1000,
    as_of: asked.Instant = "",
    fields: Annotated[str, Query(max_length=600, description="Columns, comma separated; all without it.")] = "",
    form: asked.Form = Format.JSON,
    *,
    with_live: Annotated[bool, Query(description="Candles after the lake's last final one too, from the feed.")] = True,
) -> Response:
    """Candles by time with status, revision, ids and offsets; ``as_of`` gives them as they were known then."""
    question = CandleQuestion(
        instrument=parts.markets.find(symbol, venue),
        interval=asked.interval_named(interval),
        first=asked.instant(start, "start"),
        end=asked.instant(end, "end"),
        limit=limit,
        as_of=asked.instant(as_of, "as_of"),
        fields=tuple(name.strip() for name in fields.split(",") if name.strip()),
        with_live=with_live and not as_of,
    )
    found = await run_in_threadpool(answer_candles, parts, question)
    return await run_in_threadpool(respond, request, found.frame, found.meta, form, key=found.key)


@router.get("/lineage")
async def candle_lineage(
    parts: TheParts,
    symbol: asked.Symbol,
    window_start: asked.Instant,
    interval: asked.IntervalName = "1m",
    venue: asked.Venue = "",
) -> dict[str, Any]:
    """Where one candle comes from: trades, Kafka offsets, revisions, and whether the trades still add up to it."""
    start = asked.instant(window_start, "window_start")
    if start is None:
        raise ApiError(BAD_PARAMETER, "Data sent for parameter 'window_start' is not valid: it is empty.")
    market, served = parts.markets.find(symbol, venue), asked.interval_named(interval)
    return await run_in_threadpool(lineage, parts, market, served, start)


async def _table(parts: TheParts, request: Request, name: str, wanted: Selection, form: Format) -> Response:
    found = await run_in_threadpool(rows_of, name, parts.settings.lake, wanted)
    meta = {"table": name, "rows": found.frame.height, "reason": found.reason}
    return await run_in_threadpool(respond, request, found.frame, meta, form)


def _selection(
    parts: TheParts,
    symbol: asked.AnySymbol = "",
    venue: asked.Venue = "",
    start: asked.Instant = "",
    end: asked.Instant = "",
    limit: asked.RowLimit = 1000,
) -> Selection:
    last = asked.instant(end, "end") or parts.clock() + timedelta(days=2)
    first = asked.instant(start, "start") or last - timedelta(days=33)
    market = parts.markets.find(symbol, venue) if symbol else None
    place = str(market.venue) if market and (venue or ":" in symbol) else venue
    return Selection(first=first, end=last, limit=limit, venue=place, symbol=market.symbol if market else "")


Chosen = Annotated[Selection, Depends(_selection)]


@router.get("/metrics")
async def metrics(parts: TheParts, request: Request, chosen: Chosen, form: asked.Form = Format.JSON) -> Response:
    """Hourly metrics."""
    return await _table(parts, request, "hourly_metrics", chosen, form)


@router.get("/predictions")
async def predictions(parts: TheParts, request: Request, chosen: Chosen, form: asked.Form = Format.JSON) -> Response:
    """Forecasts with their intervals."""
    return await _table(parts, request, "predictions", chosen, form)


@router.get("/forecast")
async def forecast(
    parts: TheParts, symbol: asked.Symbol, venue: asked.Venue = "", model: asked.Model = ""
) -> dict[str, Any]:
    """The latest forecast of a market that has intervals: one row a horizon."""
    market = parts.markets.find(symbol, venue)
    return await run_in_threadpool(latest_forecast, parts, market, model)


@router.get("/forecast-history")
async def history(
    parts: TheParts,
    request: Request,
    symbol: asked.Symbol,
    venue: asked.Venue = "",
    model: asked.Model = "",
    horizon: Annotated[int, Query(ge=1, le=24, description="Hours from issue to target.")] = 1,
    hours: asked.Hours = 72,
    form: asked.Form = Format.JSON,
) -> Response:
    """What was forecast for each past hour at one horizon, beside the close that came."""
    market = parts.markets.find(symbol, venue)
    found, chosen = await run_in_threadpool(forecast_history, parts, market, model, horizon=horizon, hours=hours)
    reason = "" if found.height else "nothing was forecast with intervals at this horizon"
    meta = {"model": chosen or None, "horizon": horizon, "rows": found.height, "reason": reason}
    return respond(request, found, meta, form)


@router.get("/prediction-metrics")
async def scores(parts: TheParts, request: Request, chosen: Chosen, form: asked.Form = Format.JSON) -> Response:
    """Scores of forecasts whose hour has come, beside those of the last price."""
    return await _table(parts, request, "prediction_metrics", chosen, form)


@router.get("/prediction-performance")
async def performance(parts: TheParts, request: Request, chosen: Chosen, form: asked.Form = Format.JSON) -> Response:
    """Scores of forecasts by day, model and horizon: skill against last price, coverage of the intervals."""
    return await _table(parts, request, "prediction_performance", chosen, form)


@router.get("/champions")
async def champions(parts: TheParts, request: Request, chosen: Chosen, form: asked.Form = Format.JSON) -> Response:
    """The model to believe, by day, task and band of horizons, and the evidence for it."""
    return await _table(parts, request, "champions", chosen, form)


@router.get("/tables/{name}")
async def table(
    parts: TheParts,
    request: Request,
    name: Annotated[str, Path(max_length=60)],
    chosen: Chosen,
    form: asked.Form = Format.JSON,
) -> Response:
    """Rows of any table of the lake."""
    if name not in BY_NAME:
        raise ApiError(NOT_FOUND, f"There is no such table; there are {', '.join(BY_NAME)}.", status=404)
    return await _table(parts, request, name, chosen, form)
