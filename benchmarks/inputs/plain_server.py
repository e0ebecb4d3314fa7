"""``python -m benchmarks.inputs.plain_server PORT LINK``: FastAPI over PostgreSQL as one writes it in an afternoon.

One indexed table of candles, a pool of one connection a thread, decimals as text in Binance's rows.
"""

import io
import sys
import threading
from typing import Any

import polars as pl
import psycopg
import uvicorn
from fastapi import FastAPI, Response

from cryptoviz.lake.candle_tables import OHLC_1M
from cryptoviz.lake.locations import Location
from cryptoviz.storage.frames import scan

_COLUMNS = ("symbol", "window_start", "open", "high", "low", "close", "volume", "quote_volume", "trade_count",
            "taker_buy_volume", "taker_buy_quote_volume")  # fmt: skip
_CREATE = """CREATE TABLE candles (symbol text, window_start timestamptz, open numeric, high numeric, low numeric,
close numeric, volume numeric, quote_volume numeric, trade_count bigint, taker_buy_volume numeric,
taker_buy_quote_volume numeric,
PRIMARY KEY (symbol, window_start))"""
_NEWEST = f"SELECT * FROM (SELECT {', '.join(_COLUMNS)} FROM candles WHERE symbol = %s ORDER BY window_start DESC LIMIT %s) AS newest ORDER BY window_start"  # noqa: S608, E501 - constants


def fill(link: str, lake: Location) -> None:
    """Copy the minutes of a lake into the table."""
    rows = scan(OHLC_1M, lake).select(_COLUMNS).with_columns(pl.col("symbol").str.replace("-", "")).collect()
    with psycopg.connect(link) as connection, connection.cursor() as cursor:
        cursor.execute(_CREATE)
        with cursor.copy(f"COPY candles ({', '.join(_COLUMNS)}) FROM STDIN") as copy:
            for row in rows.iter_rows():
                copy.write_row(row)
        connection.commit()
        cursor.execute("ANALYZE candles")


def build(link: str) -> FastAPI:
    """The application."""
    app, kept = FastAPI(), threading.local()

    def newest(symbol: str, limit: int) -> list[tuple[Any, ...]]:
        if not hasattr(kept, "connection"):
            kept.connection = psycopg.connect(link, autocommit=True)
        return list(kept.connection.execute(_NEWEST, (symbol, limit)).fetchall())

    @app.get("/api/v3/klines")
    def klines(symbol: str, limit: int = 500) -> list[list[Any]]:
        found = []
        for _, start, o, h, low, c, volume, quote, count, *taker in newest(symbol, limit):
            ms = int(start.timestamp() * 1000)
            prices = [f"{value:.8f}" if value is not None else None for value in (o, h, low, c)]
            bought = [f"{value:.8f}" for value in taker]
            found.append([ms, *prices, f"{volume:.8f}", ms + 59_999, f"{quote:.8f}", count, *bought, "0"])
        return found

    @app.get("/api/v1/candles")
    def candles(symbol: str, limit: int) -> Response:
        sink = io.BytesIO()
        rows = pl.DataFrame(newest(symbol.replace("-", ""), limit), schema=_COLUMNS, orient="row")
        rows.write_ipc_stream(sink, compression="zstd")
        return Response(sink.getvalue(), media_type="application/vnd.apache.arrow.stream")

    return app


if __name__ == "__main__":
    uvicorn.run(build(sys.argv[2]), port=int(sys.argv[1]), log_level="warning", access_log=False, loop="uvloop",
                http="httptools")  # fmt: skip
