"""Hourly metrics: for each market of an hour its state, its last day, changes and indicators, in one row.

A function of the frames alone. What lacks history is null and ``reason`` says so; rows there are for every hourly
candle, also of quiet and blind hours.
"""

from decimal import Decimal

import polars as pl

from cryptoviz.arithmetic.exact import quotient
from cryptoviz.arithmetic.fold import DECIMAL, MARKET, refuse_overflow
from cryptoviz.lake.metric_tables import HOURLY_METRICS
from cryptoviz_dagster.transforms.history import NO_HISTORY, history_versions
from cryptoviz_dagster.transforms.indicators import (
    bollinger,
    log_return,
    macd,
    momentum,
    percent_change,
    realised_volatility,
    rsi,
)

_DAY, _WEEK = 24, 168
_SPIKE = 3.0
_REGIMES = (("calm", 0.25), ("normal", 0.75), ("elevated", 0.95))
_COPIED = {"close": "last_price", "depth_mean": "liquidity"}
_SUMMED = ("volume", "quote_volume")

HOURS_NEEDED = {
    **dict.fromkeys(("high_24h", "low_24h", "range_24h_percent", "volume_24h", "quote_volume_24h"), _DAY),
    **dict.fromkeys(("price_change_percent_1h", "log_return"), 2),
    **dict.fromkeys(("price_change_percent_24h", "mover_rank", "volatility_24h"), _DAY + 1),
    "price_change_percent_7d": _WEEK + 1,
    "rsi_14": 15,
    "macd": 26,
    **dict.fromkeys(("macd_signal", "macd_histogram"), 34),
    **dict.fromkeys(("bollinger_upper", "bollinger_middle", "bollinger_lower"), 20),
    "momentum_10h": 11,
    **dict.fromkeys(("volatility_rank", "volatility_regime"), _DAY + _WEEK),
    **dict.fromkeys(("volume_z_score", "is_volume_spike"), _WEEK + 1),
}
"""Hours of unbroken history, the hour itself included, without which a column is null."""


def build_hourly_metrics(
    candles: pl.DataFrame, minutes: pl.DataFrame, history: pl.DataFrame, market_caps: pl.DataFrame
) -> pl.DataFrame:
    """Rows of ``hourly_metrics``, one for each row of ``candles``.

    ``candles`` are those of ``ohlc_1h`` of one hour, ``minutes`` of ``ohlc_1m`` of the same hour, ``history`` is what
    ``build_history`` makes for it. ``market_caps`` has the columns asset and market_cap. Raises
    :class:`SumTooLarge`.
    """
    rows = (
        candles.sort(HOURLY_METRICS.key)
        .rename(_COPIED)
        .join(_of_minutes(minutes), on=MARKET, how="left", maintain_order="left")
        .join(_of_history(history), on=MARKET, how="left", maintain_order="left")
        .join(history_versions(history), on=MARKET, how="left", maintain_order="left")
        .with_columns(asset=pl.col("symbol").str.split("-").list.first(), spread_percent=_spread_percent())
        .join(market_caps, on="asset", how="left", maintain_order="left")
        .with_columns(
            pl.col("hours").fill_null(0), pl.col("history_version").fill_null(NO_HISTORY), mover_rank=_mover_rank()
        )
        .with_columns(reason=_reason())
    )
    return rows.select(HOURLY_METRICS.column_names)


def _of_minutes(minutes: pl.DataFrame) -> pl.DataFrame:
    """Mean price and realised volatility of the hour. The latter is null when a minute of it is blind."""
    is_blind = pl.col("status") == "blind"
    carried = pl.col("close").forward_fill().over(*MARKET, is_blind.cum_sum().over(MARKET))
    rows = minutes.sort(*MARKET, "window_start").with_columns(carried=pl.when(~is_blind).then(carried))
    refuse_overflow(rows.with_columns(pl.col("carried").fill_null(Decimal(0))), ("carried",))
    price = pl.col("carried").cast(pl.Float64).log()
    first = pl.col("open").drop_nulls().first().cast(pl.Float64).log()
    returns = pl.concat([first, price.drop_nulls()]).diff().pow(2)
    folded = rows.group_by(MARKET, maintain_order=True).agg(
        total=pl.col("carried").sum(),
        priced=pl.col("carried").count(),
        realised_volatility=pl.when(~is_blind.any()).then(returns.sum().sqrt()),
    )
    mean = [quotient(total, n) for total, n in folded.select("total", "priced").iter_rows()]
    known = pl.when(pl.col("priced") > 0).then("realised_volatility").alias("realised_volatility")
    return folded.select(*MARKET, known, pl.Series("mean_price", mean, DECIMAL))


def _of_history(history: pl.DataFrame) -> pl.DataFrame:
    """What follows from the hours up to this one, each column null without the hours it needs."""
    refuse_overflow(history, _SUMMED)
    price, volume = pl.col("price"), pl.col("volume").cast(pl.Float64)
    return history.group_by(MARKET, maintain_order=True).agg(
        pl.len().cast(pl.Int32).alias("hours"),
        *_given_hours(**_last_day(price), **_changes(price), **_indicators(price), **_volatility(price)),
        *_given_hours(**_volume_spike(volume)),
    )


def _given_hours(**columns: pl.Expr) -> list[pl.Expr]:
    return [pl.when(pl.len() >= HOURS_NEEDED[name]).then(value).alias(name) for name, value in columns.items()]


def _last_day(price: pl.Expr) -> dict[str, pl.Expr]:
    high, low = pl.col("high").tail(_DAY).max(), pl.col("low").tail(_DAY).min()
    return {
        "high_24h": high,
        "low_24h": low,
        "range_24h_percent": 100 * (high - low).cast(pl.Float64) / price.last(),
        "volume_24h": pl.col("volume").tail(_DAY).sum(),
        "quote_volume_24h": pl.col("quote_volume").tail(_DAY).sum(),
    }


def _changes(price: pl.Expr) -> dict[str, pl.Expr]:
    return {
        "price_change_percent_1h": percent_change(price, 1).last(),
        "price_change_percent_24h": percent_change(price, _DAY).last(),
        "price_change_percent_7d": percent_change(price, _WEEK).last(),
        "log_return": log_return(price).last(),
    }


def _indicators(price: pl.Expr) -> dict[str, pl.Expr]:
    lines, bands = macd(price), bollinger(price)
    return {
        "rsi_14": rsi(price).last(),
        "macd": lines.line.last(),
        "macd_signal": lines.signal.last(),
        "macd_histogram": lines.histogram.last(),
        "bollinger_upper": bands.upper.last(),
        "bollinger_middle": bands.middle.last(),
        "bollinger_lower": bands.lower.last(),
        "momentum_10h": momentum(price).last(),
    }


def _volatility(price: pl.Expr) -> dict[str, pl.Expr]:
    day = realised_volatility(log_return(price), _DAY)
    rank = (day <= day.last()).sum() / day.count()
    regime = pl.lit("extreme")
    for name, bound in reversed(_REGIMES):
        regime = pl.when(rank <= bound).then(pl.lit(name)).otherwise(regime)
    return {"volatility_24h": day.last(), "volatility_rank": rank, "volatility_regime": regime}


def _volume_spike(volume: pl.Expr) -> dict[str, pl.Expr]:
    before = volume.slice(-_WEEK - 1, _WEEK)
    deviation = before.std()
    score = pl.when(deviation > 0).then((volume.last() - before.mean()) / deviation)
    return {"volume_z_score": score, "is_volume_spike": score >= _SPIKE}


def _spread_percent() -> pl.Expr:
    """``mid_integral`` sums ask + bid, twice the mid."""
    spread, twice_mid = (pl.col(f"{name}_integral").cast(pl.Float64) for name in ("spread", "mid"))
    return pl.when(twice_mid > 0).then(200 * spread / twice_mid)


def _mover_rank() -> pl.Expr:
    """1 is the largest move of the venue; equal moves in the order of rows, which is that of symbols."""
    move = pl.col("price_change_percent_24h").abs()
    return move.rank("ordinal", descending=True).over("venue").cast(pl.Int32)


def _reason() -> pl.Expr:
    most = max(HOURS_NEEDED.values())
    hours = pl.col("hours")
    parts = [
        pl.when(pl.col("trade_count") == 0).then(pl.lit("no trade in the hour")),
        pl.when((hours == 0) & (pl.col("status") == "blind")).then(pl.lit("trades of the hour are missing")),
        pl.when(hours < most).then(pl.format("{} of {} hours of history", hours, pl.lit(most))),
        pl.when(pl.col("quoted_ms") == 0).then(pl.lit("no quotes in the hour")),
    ]
    text = pl.concat_str(parts, separator="; ", ignore_nulls=True)
    return pl.when(text != "").then(text)
