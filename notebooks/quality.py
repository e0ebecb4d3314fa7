"""How complete the lake is, in SQL: minutes by status, late trades, refused records, revisions."""

import marimo

app = marimo.App(width="medium", app_title="Quality")


@app.cell
def _():
    import marimo as mo

    import cryptoviz

    lake = cryptoviz.connect()
    tables = {
        name for (name,) in lake.sql("SELECT view_name FROM duckdb_views() WHERE schema_name = 'crypto'").fetchall()
    }
    return lake, mo, tables


@app.cell
def _(lake, mo, tables):
    mo.stop("ohlc_1m" not in tables, mo.md("There are no candles yet."))
    statuses = lake.sql(
        """
        SELECT venue, symbol, status, count(*) AS minutes, sum(missing_ids) AS missing_ids
        FROM crypto.ohlc_1m GROUP BY ALL ORDER BY ALL
        """
    ).pl()
    mo.vstack([mo.md("# Minutes by status"), statuses])
    return (statuses,)


@app.cell
def _(lake, mo, tables):
    mo.stop("trades" not in tables, mo.md("There are no trades yet."))
    lateness = lake.sql(
        """
        SELECT venue, source, count(*) AS trades,
               quantile_cont(lateness_ms, 0.5) AS p50_ms, quantile_cont(lateness_ms, 0.99) AS p99_ms
        FROM crypto.trades GROUP BY ALL ORDER BY ALL
        """
    ).pl()
    mo.vstack([mo.md("# From the trade to Kafka"), lateness])
    return (lateness,)


@app.cell
def _(lake, mo, tables):
    mo.stop("quarantine" not in tables, mo.md("Nothing was refused."))
    refused = lake.sql(
        """
        SELECT reason, count(*) AS records, max(kafka_time) AS last
        FROM crypto.quarantine GROUP BY ALL ORDER BY records DESC
        """
    ).pl()
    mo.vstack([mo.md("# Refused records"), refused])
    return (refused,)


@app.cell
def _(lake, mo, tables):
    mo.stop("candle_publications" not in tables, mo.md("No final candle has been published yet."))
    changes = lake.sql(
        """
        SELECT "interval", cause, count(*) AS times, sum(changed) AS candles
        FROM crypto.candle_publications GROUP BY ALL ORDER BY ALL
        """
    ).pl()
    mo.vstack([mo.md("# What was published, and what changed later"), changes])
    return (changes,)


if __name__ == "__main__":
    app.run()
