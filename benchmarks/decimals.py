"""Physical types for price and quantity: bytes at rest and CPU for one-minute candles, side by side in one run.

``./run bench decimals`` (or ``python -m benchmarks.decimals``).
"""

import io
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import polars as pl

ROWS = 2_000_000
_BOUNDS = {
    "decimal(38,18)": "1e-18 to 1e20",
    "decimal(28,12)": "1e-12 to 1e16",
    "int64 x 1e8": "1e-8 to 9.2e10",
    "float64": "about 16 digits",
}


def _market() -> pl.DataFrame:
    random = np.random.default_rng(7)
    ticks = 6_400_000 + np.cumsum(random.integers(-3, 4, ROWS))
    lots = np.maximum(1, (random.lognormal(0, 1.2, ROWS) * 2_000).astype(np.int64))
    times = np.sort(random.integers(0, 3_600_000_000, ROWS))
    return pl.DataFrame({"time": times, "price": ticks * 1_000_000, "quantity": lots * 1_000})


def _variants(base: pl.DataFrame) -> dict[str, pl.DataFrame]:
    def decimal(precision: int, scale: int) -> pl.DataFrame:
        exact = pl.col("price", "quantity").cast(pl.Decimal(38, scale)) / pl.lit(10**8).cast(pl.Decimal(38, 0))
        return base.with_columns(exact.cast(pl.Decimal(precision, scale)))

    return {
        "decimal(38,18)": decimal(38, 18),
        "decimal(28,12)": decimal(28, 12),
        "int64 x 1e8": base,
        "float64": base.with_columns(pl.col("price", "quantity").cast(pl.Float64) / 1e8),
    }


def _candles(frame: pl.DataFrame) -> pl.DataFrame:
    price, minute = pl.col("price"), (pl.col("time") // 60_000_000).alias("minute")
    return frame.group_by(minute).agg(price.first(), price.max().alias("h"), price.min().alias("l"),
                                      price.last().alias("c"), pl.col("quantity").sum())  # fmt: skip


def _read_and_fold(payload: bytes) -> pl.DataFrame:
    return _candles(pl.read_parquet(io.BytesIO(payload)))


def _cpu(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(5):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best


def main() -> None:
    """Print the table."""
    print(f"{'type':16} {'B/row':>7} {'read+fold CPU s':>16} {'fold CPU s':>11}  fits")
    for name, frame in _variants(_market()).items():
        sink = io.BytesIO()
        frame.write_parquet(sink, compression="zstd", compression_level=1)
        payload = sink.getvalue()
        whole = _cpu(partial(_read_and_fold, payload))
        fold = _cpu(partial(_candles, frame))
        print(f"{name:16} {len(payload) / ROWS:7.1f} {whole:16.3f} {fold:11.3f}  {_BOUNDS[name]}")


if __name__ == "__main__":
    main()
