"""An evaluation as a person reads it and as a program does."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptoviz.forecasting.evaluation.averages import Row
from cryptoviz.forecasting.evaluation.tables import interval_table, point_table
from cryptoviz.forecasting.evaluation.variance_tables import parts_table, variance_losses, volatility_table
from cryptoviz.forecasting.evaluation.walk_forward import Plan, Trainer, walk_forward
from cryptoviz.forecasting.panel import Panel

_SECONDS = 3600
_NONE = "-"
_COUNTS = ("horizon", "markets_held_80", "markets_held_95")
_Format = Callable[[Any], str]


def _ratio(value: float) -> str:
    return _NONE if math.isnan(value) else f"{value:.4f}"


def _percent(value: float) -> str:
    return _NONE if math.isnan(value) else f"{100 * value:.1f} %"


def _signed(value: float) -> str:
    return _NONE if math.isnan(value) else f"{value:+.1f}"


POINT_COLUMNS: Mapping[str, _Format] = {
    "model": str,
    "horizon": str,
    "rmse_ratio": _ratio,
    "worst_ratio": _ratio,
    "mae_ratio": _ratio,
    "mase": _ratio,
    "t": _signed,
    "verdict": str,
}
VOLATILITY_COLUMNS: Mapping[str, _Format] = {
    "model": str,
    "horizon": str,
    "qlike": _ratio,
    "under_har": _percent,
    "under_last_24h": _percent,
    "t_over_har": _signed,
}
PART_COLUMNS: Mapping[str, _Format] = {
    "part": str,
    "horizon": str,
    "qlike": _ratio,
    "under_har": _percent,
    "under_last_24h": _percent,
}
INTERVAL_COLUMNS: Mapping[str, _Format] = {
    "method": str,
    "horizon": str,
    "coverage_80": _percent,
    "coverage_95": _percent,
    "coverage_80_last_year": _percent,
    "coverage_95_last_year": _percent,
    "markets_held_80": str,
    "markets_held_95": str,
    "coverage_80_after_shocks": _percent,
    "crps_bps": _signed,
    "under_garch": _percent,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """The tables, and what they were made from."""

    markets: tuple[str, ...]
    absent: Mapping[str, int]
    """Hours without a usable candle, of the markets that have such."""
    first: datetime
    last: datetime
    judged_from: datetime
    points: Sequence[Row]
    volatility: Sequence[Row]
    volatility_parts: Sequence[Row]
    intervals: Sequence[Row]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready; numbers that are not finite become null."""
        return {
            "markets": list(self.markets),
            "absent_hours": dict(self.absent),
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "judged_from": self.judged_from.isoformat(),
            "points": list(map(_plain, self.points)),
            "volatility": list(map(_plain, self.volatility)),
            "volatility_parts": list(map(_plain, self.volatility_parts)),
            "intervals": list(map(_plain, self.intervals)),
        }


def evaluate(panel: Panel, plan: Plan | None = None, trainer: Trainer | None = None) -> Evaluation:
    """Walk forward over a panel and score. Raises :class:`HistoryTooShort`."""
    walk = walk_forward(panel, plan or Plan(), trainer)
    losses = variance_losses(walk)
    return Evaluation(
        markets=panel.markets,
        absent=_absent(panel),
        first=_instant(panel.hours[0]),
        last=_instant(panel.hours[-1] + 1),
        judged_from=_instant(panel.hours[walk.first]),
        points=point_table(walk),
        volatility=volatility_table(walk, losses),
        volatility_parts=parts_table(walk, losses),
        intervals=interval_table(walk),
    )


def _absent(panel: Panel) -> dict[str, int]:
    counts = (~panel.is_bar).sum(axis=0).tolist()
    return {market: count for market, count in zip(panel.markets, counts, strict=True) if count}


def render(evaluation: Evaluation) -> str:
    """The tables as text."""
    return "\n".join(_lines(evaluation))


def _lines(evaluation: Evaluation) -> Iterator[str]:
    yield (
        f"{len(evaluation.markets)} markets, {evaluation.first:%Y-%m-%d} to {evaluation.last:%Y-%m-%d}; walked forward "
        f"from {evaluation.judged_from:%Y-%m-%d}. Horizons in hours; averages over markets."
    )
    for market, hours in evaluation.absent.items():
        yield f"{market}: {hours} hours without a usable candle; nothing is forecast from or scored across them."
    yield from _table("Price: errors over those of last price on the same rows", evaluation.points, POINT_COLUMNS)
    yield from _table(
        "Variance: QLIKE against squared hourly returns, lower is better", evaluation.volatility, VOLATILITY_COLUMNS
    )
    yield from _table(
        "Variance: vol_harx by year over all markets, and by market", evaluation.volatility_parts, PART_COLUMNS
    )
    yield from _table("Intervals: share inside, and CRPS in basis points", evaluation.intervals, INTERVAL_COLUMNS)


def _table(title: str, rows: Sequence[Row], columns: Mapping[str, _Format]) -> Iterator[str]:
    cells = [list(columns), *([form(row[name]) for name, form in columns.items()] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    yield f"\n{title}"
    is_text = [form is str and name not in _COUNTS for name, form in columns.items()]
    for line in cells:
        aligned = zip(line, widths, is_text, strict=True)
        yield "  ".join(cell.ljust(width) if left else cell.rjust(width) for cell, width, left in aligned).rstrip()


def _plain(row: Row) -> dict[str, Any]:
    return {name: _finite(value) for name, value in row.items()}


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _instant(hour: Any) -> datetime:
    return datetime.fromtimestamp(int(hour) * _SECONDS, UTC)
