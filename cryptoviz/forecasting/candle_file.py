"""Hourly candles from a file of anybody's: CSV or Parquet with symbol, time, open, high, low, close and volume.

What cannot be meant is refused with the reason. Hours that are absent, or whose candle is impossible, stay absent in
the panel; nothing is filled in.
"""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from cryptoviz.forecasting.panel import Panel, build_panel

COLUMNS = ("symbol", "time", "open", "high", "low", "close", "volume")
_NUMBERS = COLUMNS[2:]
_HOUR_US = 3_600_000_000
_DAY = 24
_FIRST_MS, _LAST_MS = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp() * 1000) for year in (2000, 2100))
_LEAST_SHARE = 0.1
"""Share of the hours between the first and the last that must have a candle of some symbol."""


class UnusableCandles(ValueError):
    """The file cannot be read as hourly candles; the message says why."""


def read_candle_file(path: Path) -> Panel:
    """The panel of a file, from its first midnight to its last whole day. Raises :class:`UnusableCandles`.

    Times are the starts of the hours: text or timestamps, UTC where they name no zone, or epoch milliseconds. Equal
    rows count once; two different candles of a symbol and hour are refused.
    """
    frame = _read(path)
    missing = [name for name in COLUMNS if name not in frame.columns]
    if missing:
        raise UnusableCandles(f"{path.name} lacks the column {', '.join(missing)}; it has {', '.join(frame.columns)}")
    candles = frame.select(
        pl.col("symbol").cast(pl.String).alias("market"), _instants(frame, path), *_numbers(frame, path)
    ).unique(maintain_order=True)
    _check_keys(candles, path)
    hours = candles.select(pl.col("time").dt.epoch("us") // _HOUR_US).to_series()
    first, last = hours.min(), hours.max()
    if not isinstance(first, int) or not isinstance(last, int):
        raise UnusableCandles(f"{path.name} has no candles")
    if hours.n_unique() < _LEAST_SHARE * (last + 1 - first):
        raise UnusableCandles(
            f"{path.name} has candles of {hours.n_unique()} of the {last + 1 - first} hours between its first and its "
            "last; are all times right?"
        )
    begin, end = -(-first // _DAY) * _DAY, (last + 1) // _DAY * _DAY
    panel = build_panel(candles, first=begin, last=end, time="time")
    if panel.hours.size and not panel.is_bar.any():
        raise UnusableCandles(f"{path.name} has no candle with positive prices between its low and its high")
    return panel


def _read(path: Path) -> pl.DataFrame:
    if not path.is_file():
        raise UnusableCandles(f"there is no file {path}")
    try:
        if path.suffix == ".parquet":
            return pl.read_parquet(path)
        return pl.read_csv(path, try_parse_dates=True, infer_schema_length=None)
    except pl.exceptions.PolarsError as error:
        raise UnusableCandles(f"{path.name} cannot be read: {error}") from None


def _instants(frame: pl.DataFrame, path: Path) -> pl.Series:
    time = frame["time"]
    if time.dtype.is_integer():
        if not time.drop_nulls().is_between(_FIRST_MS, _LAST_MS).all():
            raise UnusableCandles(f"{path.name}: times are numbers, but not milliseconds since 1970 (of 2000 to 2100)")
        return time.cast(pl.Datetime("ms", "UTC")).dt.cast_time_unit("us")
    if not isinstance(time.dtype, pl.Datetime):
        raise UnusableCandles(f"{path.name}: times are {time.dtype}, not timestamps; ISO 8601 is understood")
    aware = time.dt.convert_time_zone("UTC") if time.dtype.time_zone else time.dt.replace_time_zone("UTC")
    return aware.dt.cast_time_unit("us")


def _numbers(frame: pl.DataFrame, path: Path) -> list[pl.Series]:
    columns = []
    for name in _NUMBERS:
        column = frame[name].cast(pl.Float64, strict=False)
        broken = frame[name].filter(column.is_null() & frame[name].is_not_null())
        if broken.len():
            raise UnusableCandles(f"{path.name}: {name} holds {broken[0]!r}, which is no number")
        columns.append(column)
    return columns


def _check_keys(candles: pl.DataFrame, path: Path) -> None:
    nameless = candles.select(pl.any_horizontal(pl.col("market", "time").is_null()).sum()).item()
    if nameless:
        raise UnusableCandles(f"{path.name} has {nameless} rows without a symbol or time")
    if (candles["time"].dt.epoch("us") % _HOUR_US != 0).any():
        raise UnusableCandles(f"{path.name} holds times that are not full hours; hourly candles are needed")
    twice = candles.filter(pl.struct("market", "time").is_duplicated())
    if twice.height:
        market, time = twice.row(0)[:2]
        raise UnusableCandles(f"{path.name} has different candles of {market} at {time:%Y-%m-%d %H:%M}")
