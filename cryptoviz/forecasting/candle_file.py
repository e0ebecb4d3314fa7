"""Hourly candles from a file of anybody's: CSV or Parquet with symbol, time, open, high, low, close and volume."""

from pathlib import Path

import polars as pl

from cryptoviz.forecasting.panel import Panel, build_panel

COLUMNS = ("symbol", "time", "open", "high", "low", "close", "volume")
_HOUR_US = 3_600_000_000
_DAY = 24


class UnusableCandles(ValueError):
    """The file cannot be read as hourly candles; the message says why."""


def read_candle_file(path: Path) -> Panel:
    """The panel of a file, from its first midnight to its last whole day. Raises :class:`UnusableCandles`.

    Times are the starts of the hours: text or timestamps, UTC where they name no zone, or epoch milliseconds.
    """
    frame = _read(path)
    missing = [name for name in COLUMNS if name not in frame.columns]
    if missing:
        raise UnusableCandles(f"{path.name} lacks the column {', '.join(missing)}; it has {', '.join(frame.columns)}")
    candles = frame.select(pl.col("symbol").cast(pl.String).alias("market"), _instants(frame, path), *COLUMNS[2:])
    hours = candles["time"].dt.epoch("us") // _HOUR_US
    first, last = hours.min(), hours.max()
    if not isinstance(first, int) or not isinstance(last, int):
        raise UnusableCandles(f"{path.name} has no candles")
    if (candles["time"].dt.epoch("us") % _HOUR_US != 0).any():
        raise UnusableCandles(f"{path.name} holds times that are not full hours; hourly candles are needed")
    begin, end = -(-first // _DAY) * _DAY, (last + 1) // _DAY * _DAY
    return build_panel(candles, first=begin, last=end, time="time")


def _read(path: Path) -> pl.DataFrame:
    if not path.is_file():
        raise UnusableCandles(f"there is no file {path}")
    try:
        if path.suffix == ".parquet":
            return pl.read_parquet(path)
        return pl.read_csv(path, try_parse_dates=True)
    except pl.exceptions.PolarsError as error:
        raise UnusableCandles(f"{path.name} cannot be read: {error}") from None


def _instants(frame: pl.DataFrame, path: Path) -> pl.Series:
    time = frame["time"]
    if time.dtype.is_integer():
        return time.cast(pl.Datetime("ms", "UTC")).dt.cast_time_unit("us")
    if not isinstance(time.dtype, pl.Datetime):
        raise UnusableCandles(f"{path.name}: times are {time.dtype}, not timestamps; ISO 8601 is understood")
    aware = time.dt.convert_time_zone("UTC") if time.dtype.time_zone else time.dt.replace_time_zone("UTC")
    return aware.dt.cast_time_unit("us")
