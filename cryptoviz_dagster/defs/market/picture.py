"""A small picture of an hour: one panel a symbol, its minutes as candles, written as SVG without a plotting library."""

import base64
from collections.abc import Iterator

import polars as pl

from cryptoviz.lake.hours import Hour

_WIDTH, _HEIGHT, _LABEL, _PANELS = 180, 80, 14, 9
_UP, _DOWN, _INK = "#1a9e76", "#d1495b", "#667085"


def hour_picture(candles: pl.DataFrame, hour: Hour) -> str:
    """A data URI of about 15 KiB: up to nine symbols with the largest quote volumes, three panels a row."""
    volumes = candles.group_by("venue", "symbol").agg(pl.col("quote_volume").sum())
    markets = volumes.sort(["quote_volume", "venue", "symbol"], descending=[True, False, False]).head(_PANELS)
    panels = []
    for number, (venue, symbol, _) in enumerate(markets.iter_rows()):
        rows = candles.filter(pl.col("venue") == venue, pl.col("symbol") == symbol).drop_nulls("close")
        x, y = number % 3 * (_WIDTH + 8), number // 3 * (_HEIGHT + _LABEL + 8)
        panels.append(f'<g transform="translate({x},{y})">{"".join(_panel(rows, hour, f"{venue} {symbol}"))}</g>')
    width, height = 3 * (_WIDTH + 8), -(-len(panels) // 3) * (_HEIGHT + _LABEL + 8)
    body = f'<rect width="100%" height="100%" fill="#ffffff"/>{"".join(panels)}'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">{body}</svg>'
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def _panel(rows: pl.DataFrame, hour: Hour, label: str) -> Iterator[str]:
    yield f'<text y="10" font-family="sans-serif" font-size="10" fill="{_INK}">{label}</text>'
    yield f'<rect y="{_LABEL}" width="{_WIDTH}" height="{_HEIGHT}" fill="none" stroke="#e4e7ec"/>'
    prices = rows.select(pl.col("open", "high", "low", "close").cast(pl.Float64))
    top, bottom = prices["high"].max(), prices["low"].min()
    if not isinstance(top, float) or not isinstance(bottom, float):
        return
    scale = (_HEIGHT - 8) / (top - bottom or 1.0)
    minutes = (rows["window_start"] - hour.start).dt.total_minutes().to_list()
    strokes: dict[str, list[str]] = {_UP: [], _DOWN: []}
    for minute, (first, high, low, last) in zip(minutes, prices.iter_rows(), strict=True):
        x = minute * _WIDTH / 60 + _WIDTH / 120
        y = [_LABEL + 4 + (top - price) * scale for price in (high, low, max(first, last), min(first, last))]
        strokes[_UP if last >= first else _DOWN].append(
            f"M{x:.1f} {y[0]:.1f}V{y[1]:.1f}M{x - 1:.1f} {y[2]:.1f}h2V{max(y[3], y[2] + 0.5):.1f}h-2z"
        )
    for colour, paths in strokes.items():
        if paths:
            yield f'<path d="{"".join(paths)}" fill="{colour}" stroke="{colour}" stroke-width="0.7"/>'
