"""A small picture of an hour: the close of each symbol, as a share of its first price."""

import base64
import io

import polars as pl


def hour_picture(candles: pl.DataFrame) -> str:
    """PNG of the hour's closes in base64, about 20 KiB. matplotlib is imported here: no other run pays for it."""
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(6, 2.4), dpi=80, layout="constrained")
    axes = figure.add_subplot()
    for (venue, symbol), rows in candles.drop_nulls("close").group_by("venue", "symbol", maintain_order=True):
        closes = rows["close"].cast(pl.Float64)
        axes.plot(rows["window_start"].to_list(), (closes / closes[0] - 1) * 100, label=f"{venue} {symbol}", lw=1)
    axes.set_ylabel("% since first trade")
    axes.legend(fontsize=6, ncols=2)
    axes.grid(alpha=0.3)
    sink = io.BytesIO()
    figure.savefig(sink, format="png")
    return base64.b64encode(sink.getvalue()).decode()
