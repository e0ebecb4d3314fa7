"""Physical types for price and quantity: what fits, bytes at rest, CPU for one-minute candles, side by side in one run.

``./run bench decimals`` (or ``python -m benchmarks.decimals``). The trades are made up: seven markets whose ticks and
lots are as on the venues, interleaved by time. ADR 0003 quotes the table.
"""

import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Context, Decimal
from functools import partial

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 2_000_000
_MARKETS = ((64_000, 2), (3_100, 2), (170, 2), (2, 4), (600, 2), (64_100, 1), (0.00002, 8))
"""Price and its decimals, for each market."""
_UNIT = Decimal(10) ** 8
_REPEATS = 5
_WIDE = Context(prec=99)
_PRICE, _QUANTITY = Decimal("0.0000000015"), Decimal("123456789012.12345678")
"""A price below 1e-8 and a quantity above 1e11, both of which must fit, and so must their product."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A physical type: how it is made of eight-decimal integers, and which numbers it holds exactly."""

    name: str
    make: Callable[[pl.Expr], pl.Expr]
    holds: Callable[[Decimal], bool]
    product: pl.DataType


def _decimal(precision: int, scale: int) -> Variant:
    def make(scaled: pl.Expr) -> pl.Expr:
        exact = scaled.cast(pl.Decimal(38, scale)) / pl.lit(_UNIT, pl.Decimal(38, 0))
        return exact.cast(pl.Decimal(precision, scale))

    return Variant(f"decimal({precision},{scale})", make, partial(_fits, scale, 10**precision), pl.Decimal(38, scale))


def _fits(scale: int, limit: int, number: Decimal) -> bool:
    scaled = number.scaleb(scale, context=_WIDE)
    return scaled == scaled.to_integral_value(context=_WIDE) and abs(scaled) < limit


VARIANTS = (
    _decimal(38, 18),
    _decimal(28, 12),
    Variant("int64 x 1e8", lambda scaled: scaled, partial(_fits, 8, 2**63), pl.Int128()),
    Variant("float64", lambda scaled: scaled.cast(pl.Float64) / 1e8, lambda n: Decimal(float(n)) == n, pl.Float64()),
)


def _trades() -> pl.DataFrame:
    """Trades of an hour, price and quantity as integers of 1e-8."""
    random = np.random.default_rng(7)
    market = random.choice(len(_MARKETS), ROWS, p=(0.35, 0.2, 0.15, 0.1, 0.1, 0.06, 0.04))
    price, lots = np.empty(ROWS, np.int64), np.empty(ROWS, np.int64)
    for number, (level, decimals) in enumerate(_MARKETS):
        mine = np.flatnonzero(market == number)
        tick = 10 ** (8 - decimals)
        price[mine] = np.maximum(1, round(level * 10**decimals) + np.cumsum(random.integers(-2, 3, mine.size))) * tick
        lots[mine] = np.maximum(1, random.lognormal(0, 1.5, mine.size) * 1e5 / level).astype(np.int64) * 1_000
    times = np.sort(random.integers(0, 3_600_000_000, ROWS))
    return pl.DataFrame({"market": market.astype(np.int32), "time": times, "price": price, "quantity": lots})


def _candles(variant: Variant, frame: pl.DataFrame) -> pl.DataFrame:
    price, quantity = pl.col("price"), pl.col("quantity")
    return frame.group_by("market", (pl.col("time") // 60_000_000).alias("minute")).agg(
        price.first().alias("open"),
        price.max().alias("high"),
        price.min().alias("low"),
        price.last().alias("close"),
        quantity.sum().alias("volume"),
        (price.cast(variant.product) * quantity.cast(variant.product)).sum().alias("quote_volume"),
    )


def _at_rest(columns: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(columns, sink, compression="zstd", compression_level=3)
    return sink.getvalue()


def _read_and_fold(variant: Variant, payload: bytes) -> pl.DataFrame:
    return _candles(variant, pl.read_parquet(io.BytesIO(payload)))


def _cpu(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(_REPEATS):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best


def _yes(holds: bool) -> str:  # noqa: FBT001 - a word for a truth
    return "yes" if holds else "no"


def main() -> None:
    """Print the table, and beside it what decimal256 takes, which neither Polars nor Delta knows."""
    trades = _trades()
    columns = ("type", "price 1.5e-9", "quantity 1.2e11", "product", "B/row", "fold CPU s", "read+fold CPU s")
    print(" | ".join(columns))
    for variant in VARIANTS:
        frame = trades.with_columns(variant.make(pl.col("price")), variant.make(pl.col("quantity")))
        payload = _at_rest(frame.select("price", "quantity").to_arrow())
        whole = _at_rest(frame.to_arrow())
        fits = [_yes(variant.holds(number)) for number in (_PRICE, _QUANTITY, _PRICE * _QUANTITY)]
        fold = _cpu(partial(_candles, variant, frame))
        both = _cpu(partial(_read_and_fold, variant, whole))
        print(" | ".join([variant.name, *fits, f"{len(payload) / ROWS:.2f}", f"{fold:.3f}", f"{both:.3f}"]))
    wide = pa.decimal256(50, 18)
    exact = trades.select(_decimal(38, 18).make(pl.col("price", "quantity"))).to_arrow()
    payload = _at_rest(pa.table({name: exact[name].cast(wide) for name in exact.column_names}))
    print(f"decimal256(50,18) | yes | yes | yes | {len(payload) / ROWS:.2f} | - | -")


if __name__ == "__main__":
    main()
