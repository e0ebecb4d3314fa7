"""Candles of a market: exact prices, an hour folded from minutes, and how quiet minutes differ from missing ones."""

import marimo

app = marimo.App(width="medium", app_title="Candles")


@app.cell
def _():
    import marimo as mo
    import polars as pl

    import cryptoviz

    return cryptoviz, mo, pl


@app.cell
def _(mo):
    mo.md(
        """
        # Candles

        The lake of the stack that runs here (`CRYPTOVIZ_HOME`). For a server elsewhere give
        `source="http://127.0.0.1:8700"` to `cryptoviz.candles`.
        """
    )


@app.cell
def _(cryptoviz, mo):
    lake = cryptoviz.connect()
    markets = lake.sql(
        """
        SELECT venue, symbol, max(window_end) AS until, count(*) AS minutes
        FROM crypto.ohlc_1m GROUP BY ALL ORDER BY ALL
        """
    ).pl()
    mo.stop(markets.is_empty(), mo.md("There are no candles yet."))
    choice = mo.ui.dropdown(
        {f"{row['venue']} {row['symbol']}": row for row in markets.to_dicts()},
        value=f"{markets['venue'][0]} {markets['symbol'][0]}",
        label="Market",
    )
    mo.vstack([choice, markets])
    return (choice,)


@app.cell
def _(choice, cryptoviz, mo):
    from datetime import timedelta

    market = choice.value
    minutes = cryptoviz.candles(
        market["symbol"], "1m", market["until"] - timedelta(hours=6), market["until"], venue=market["venue"]
    )
    mo.ui.table(minutes.select("window_start", "open", "high", "low", "close", "volume", "trade_count", "status"))
    return (minutes,)


@app.cell
def _(minutes, mo, pl):
    hours = minutes.group_by_dynamic("window_start", every="1h").agg(
        pl.col("open").drop_nulls().first(),
        pl.col("high").max(),
        pl.col("low").min(),
        pl.col("close").drop_nulls().last(),
        pl.col("volume").sum(),
        pl.col("trade_count").sum(),
        pl.col("status").is_in(["blind", "halted"]).sum().alias("minutes_in_doubt"),
    )
    mo.vstack([mo.md("## The same by the hour: decimals stay exact"), hours])
    return (hours,)


@app.cell
def _(minutes, mo, pl):
    floats = minutes.filter(pl.col("trade_count") > 0).select(
        "window_start", pl.col("close").cast(pl.Float64), pl.col("close").cast(pl.Float64).log().diff().alias("return")
    )
    volatility = floats["return"].std() or 0.0
    mo.md(f"## Volatility\n\nOne minute: {1e4 * volatility:.2f} basis points over {floats.height} minutes with trades.")
    return floats, volatility


if __name__ == "__main__":
    app.run()
