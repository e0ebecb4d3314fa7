"""Line charts and bands as SVG, without a plotting library."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from cryptoviz.forecasting.panel import FloatArray

_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM, _RIGHT = 460, 260, 58, 30, 34, 12
_INK, _GRID, _BAND = "#344054", "#e4e7ec", "#2e6fb7"
COLOURS = ("#2e6fb7", "#d1495b", "#1a9e76", "#b7791f", "#7a5195", "#667085", "#111827")


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """Lines and bands over one axis. ``x`` belongs to every line; NaN breaks a line."""

    title: str
    x: FloatArray
    lines: Mapping[str, FloatArray]
    bands: Sequence[tuple[FloatArray, FloatArray]] = ()
    marks: Sequence[float] = field(default=())
    """Horizontal rules."""
    x_label: str = ""


def draw(chart: Chart) -> str:
    """One SVG document of fixed size."""
    body = "".join(_parts(chart))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" '
        f'viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="10" fill="{_INK}">'
        f'<rect width="100%" height="100%" fill="#ffffff"/>{body}</svg>'
    )


def _parts(chart: Chart) -> Iterator[str]:
    yield f'<text x="{_LEFT}" y="16" font-size="12" font-weight="bold">{chart.title}</text>'
    values = [*chart.lines.values(), *(end for band in chart.bands for end in band), np.array(chart.marks, float)]
    finite = np.concatenate([one[np.isfinite(one)] for one in values]) if values else np.empty(0)
    if not finite.size or not chart.x.size:
        yield f'<text x="{_LEFT}" y="{_HEIGHT / 2}">nothing scored yet</text>'
        return
    across = _Axis(float(chart.x.min()), float(chart.x.max()), _LEFT, _WIDTH - _RIGHT)
    room = 0.05 * float(finite.max() - finite.min()) or 0.01
    up = _Axis(float(finite.min()) - room, float(finite.max()) + room, _HEIGHT - _BOTTOM, _TOP)
    yield from _axes(chart, across, up)
    for low, high in chart.bands:
        ends = [*zip(chart.x, low, strict=True), *zip(chart.x[::-1], high[::-1], strict=True)]
        points = " ".join(f"{across.at(x):.1f},{up.at(y):.1f}" for x, y in ends if np.isfinite(y))
        yield f'<polygon points="{points}" fill="{_BAND}" fill-opacity="0.18"/>'
    for place, (name, line) in enumerate(chart.lines.items()):
        colour = COLOURS[place % len(COLOURS)]
        yield f'<path d="{_path(chart.x, line, across, up)}" fill="none" stroke="{colour}" stroke-width="1.6"/>'
        x = _LEFT + 4 + 82 * (place % 5)
        yield f'<text x="{x}" y="{_TOP + 8 + 11 * (place // 5)}" fill="{colour}">{name}</text>'


@dataclass(frozen=True, slots=True)
class _Axis:
    low: float
    high: float
    first: float
    last: float

    def at(self, value: float) -> float:
        span = self.high - self.low or 1.0
        return self.first + (value - self.low) / span * (self.last - self.first)

    def ticks(self, count: int = 5) -> list[float]:
        return [float(tick) for tick in np.linspace(self.low, self.high, count)]


def _axes(chart: Chart, across: _Axis, up: _Axis) -> Iterator[str]:
    for tick in up.ticks():
        y = up.at(tick)
        yield f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}" stroke="{_GRID}"/>'
        yield f'<text x="{_LEFT - 4}" y="{y + 3:.1f}" text-anchor="end">{tick:.4g}</text>'
    for tick in across.ticks():
        yield f'<text x="{across.at(tick):.1f}" y="{_HEIGHT - 18}" text-anchor="middle">{tick:.3g}</text>'
    for mark in chart.marks:
        yield (f'<path d="M{_LEFT} {up.at(mark):.1f}H{_WIDTH - _RIGHT}" stroke="{_INK}" stroke-dasharray="3 3"/>')
    yield f'<text x="{(_LEFT + _WIDTH) / 2}" y="{_HEIGHT - 5}" text-anchor="middle">{chart.x_label}</text>'


def _path(x: FloatArray, line: FloatArray, across: _Axis, up: _Axis) -> str:
    parts, pen = [], "M"
    for at, value in zip(x, line, strict=True):
        if np.isfinite(value):
            parts.append(f"{pen}{across.at(at):.1f} {up.at(value):.1f}")
        pen = "L" if np.isfinite(value) else "M"
    return "".join(parts)
