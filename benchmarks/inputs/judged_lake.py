"""What a lake knows beside candles, made up: forecasts with their outcomes, quotes of vendors, gaps in trade ids."""

from datetime import datetime, timedelta
from statistics import NormalDist

import polars as pl

from benchmarks.inputs.candle_lake import write_rows
from cryptoviz.lake.candle_tables import OHLC, Interval
from cryptoviz.lake.forecast_tables import PREDICTION_METRICS, PREDICTIONS
from cryptoviz.lake.locations import Location
from cryptoviz.lake.symbols import Instrument
from cryptoviz.lake.tables import GAPS, QUOTES
from cryptoviz.storage.frames import scan

HORIZONS = (1, 3, 6, 12, 24)
VENDORS = ("coinmarketcap", "cryptocompare")
_HOURLY_DEVIATION = 0.006
_QUANTILES = {"p02_5": 0.025, "p05": 0.05, "p10": 0.1, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95,
              "p97_5": 0.975}  # fmt: skip
_INTERVALS = {50: ("p25", "p75"), 80: ("p10", "p90"), 90: ("p05", "p95"), 95: ("p02_5", "p97_5")}
_HOUR = timedelta(hours=1)


def write_judgements(location: Location, instrument: Instrument, *, now: datetime) -> None:
    """Forecasts of the model ewma for every hour of the market's hourly candles, and how those turned out."""
    hours = (
        scan(OHLC[Interval.H1], location)
        .filter(pl.col("venue") == str(instrument.venue), pl.col("symbol") == instrument.symbol)
        .filter(pl.col("status") == "traded", pl.col("window_end") <= now)
        .select(
            "venue", "symbol", "window_start", issued_time="window_end", last_price=pl.col("close").cast(pl.Float64)
        )
        .collect()
    )
    horizons = pl.DataFrame({"horizon": HORIZONS}, schema={"horizon": pl.Int32})
    issued = hours.join(horizons, how="cross").with_columns(
        *_quantiles(), model=pl.lit("ewma"), version=pl.lit("builtin"), status=pl.lit("issued"),
        target_time=pl.col("issued_time") + pl.duration(hours="horizon"), predicted_price=pl.col("last_price"),
    )  # fmt: skip
    write_rows(PREDICTIONS, location, issued)
    came = hours.select(target_time="issued_time", actual_price="last_price")
    scored = issued.join(came, on="target_time").with_columns(
        window_start=pl.col("target_time") - _HOUR,
        squared_error=(pl.col("last_price") - pl.col("actual_price")) ** 2,
        last_price_squared_error=(pl.col("last_price") - pl.col("actual_price")) ** 2,
        **{f"is_in_{level}": pl.col("actual_price").is_between(pl.col(low), pl.col(high))
           for level, (low, high) in _INTERVALS.items()},
    )  # fmt: skip
    write_rows(PREDICTION_METRICS, location, scored)


def _quantiles() -> list[pl.Expr]:
    width = _HOURLY_DEVIATION * pl.col("horizon").sqrt()
    return [
        (pl.col("last_price") * (NormalDist().inv_cdf(share) * width).exp()).alias(name)
        for name, share in _QUANTILES.items()
    ]


def write_quotes(location: Location, base: str, price: float, *, now: datetime) -> None:
    """One quote of each vendor, a few basis points apart."""
    rows = [
        {"venue": vendor, "symbol": f"{base}-USD", "price": f"{price * (1 + 0.0002 * rank):.2f}", "change_24h": "1.5",
         "market_cap": f"{price * 19_000_000:.0f}", "volume_24h": "25000000000", "source": "sampled",
         "received_time": now, "kafka_time": now, "topic": "quotes", "offset": rank, "is_stale": False}
        for rank, vendor in enumerate(VENDORS, start=1)
    ]  # fmt: skip
    write_rows(QUOTES, location, pl.DataFrame(rows).cast({"received_time": pl.Datetime("us", "UTC")}))


def write_gaps(location: Location, instrument: Instrument, *, now: datetime) -> None:
    """A gap that was repaired after four seconds, and one that the venue could not fill."""
    opened = now - timedelta(minutes=30)
    fates = ((100, "open", "reconnect", opened), (100, "repaired", "reconnect", opened + timedelta(seconds=4)),
             (900, "unrecoverable", "hole", opened))  # fmt: skip
    rows = [
        {"venue": str(instrument.venue), "symbol": instrument.symbol, "first_id": first, "last_id": first + 41,
         "state": state, "cause": cause, "opened_time": opened, "event_time": at, "kafka_time": at, "topic": "gaps",
         "offset": rank}
        for rank, (first, state, cause, at) in enumerate(fates)
    ]  # fmt: skip
    write_rows(GAPS, location, pl.DataFrame(rows))
