"""Revisions: which candles of a publication differ from those before, and by how much.

A candle's revision is 0 while it is provisional, 1 when first final, and one more for each change since. The same
content keeps its revision, so folding again changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

import polars as pl

from cryptoviz.arithmetic.fold import MARKET

_KEY = (*MARKET, "window_start")
_OF_THE_HOUR = ("source_version", "quotes_version")
"""They name what the whole hour stands on, so they change also for candles that do not."""
_IDENTITY = ("status", "missing_ids")


class Cause(StrEnum):
    """Why final candles came to be what they are."""

    FIRST = "first"
    TRADES = "trades"
    QUOTES = "quotes"
    IDS = "ids"
    """Ids of other hours proved or refuted that nothing is missing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Revised:
    """One publication. ``candles`` carry their revisions, ``superseded`` are the rows as they were.

    A final candle whose window had no row before, in hours that were published before, is among ``superseded`` with
    revision 0: it says that there was nothing to read. ``changed`` counts final candles that are new, other or gone;
    ``changes`` tells of those that were published before.
    """

    candles: pl.DataFrame
    superseded: pl.DataFrame
    cause: Cause | None
    changed: int
    changes: Sequence[dict[str, str]]

    @property
    def is_news(self) -> bool:
        """Whether final candles were published for the first time or changed."""
        return self.cause is not None


def revise(candles: pl.DataFrame, before: pl.DataFrame) -> Revised:
    """Number the ``candles``, whose revision is 0 (provisional) or 1 (final), given those published ``before``."""
    content = [name for name in candles.columns if name not in {*_KEY, *_OF_THE_HOUR, "revision"}]
    old = before.select(*_KEY, *content, old_revision="revision")
    paired = candles.select(*_KEY, *content, "revision").join(old, on=_KEY, how="left", suffix="_before")
    same = pl.all_horizontal(pl.col(n).eq_missing(pl.col(f"{n}_before")) for n in content)
    known = pl.col("old_revision").fill_null(0)
    is_final = pl.col("revision") > 0
    paired = paired.with_columns(
        is_changed=is_final & ~(same & (known > 0)),
        number=pl.when(~is_final).then(0).when(same & (known > 0)).then(known).otherwise(known + 1).cast(pl.Int32),
    )
    numbered = candles.drop("revision").join(paired.select(*_KEY, revision="number"), on=_KEY, how="left")
    was_final = bool(before.height) and bool((before["revision"] > 0).any())
    changed = paired.filter("is_changed")
    gone = before.filter(pl.col("revision") > 0).join(candles, on=_KEY, how="anti")
    is_news = bool(changed.height or gone.height)
    return Revised(
        candles=numbered.select(candles.columns),
        superseded=_superseded(numbered, before, changed, gone) if was_final else before.clear(),
        cause=_cause(candles, before, was_final=was_final) if is_news else None,
        changed=changed.height + gone.height,
        changes=[_change(row, content) for row in changed.iter_rows(named=True)] if was_final else [],
    )


def _superseded(
    numbered: pl.DataFrame, before: pl.DataFrame, changed: pl.DataFrame, gone: pl.DataFrame
) -> pl.DataFrame:
    replaced = before.filter(pl.col("revision") > 0).join(changed, on=_KEY, how="semi")
    appeared = numbered.join(changed.filter(pl.col("old_revision").is_null()), on=_KEY, how="semi")
    nothing = appeared.select(before.columns).with_columns(revision=pl.lit(0, pl.Int32))
    return pl.concat([replaced, gone, nothing])


def _cause(candles: pl.DataFrame, before: pl.DataFrame, *, was_final: bool) -> Cause:
    if not was_final:
        return Cause.FIRST
    for cause, column in ((Cause.TRADES, "source_version"), (Cause.QUOTES, "quotes_version")):
        if set(candles[column]) != set(before[column]):
            return cause
    return Cause.IDS


def _change(row: dict[str, object], content: Sequence[str]) -> dict[str, str]:
    """What is different in one candle, `before -> after`; of a new one its count of trades."""
    named = {"market": f"{row['venue']} {row['symbol']}", "window": str(row["window_start"])}
    if row["old_revision"] is None:
        return {**named, "is": "new", "trade_count": str(row["trade_count"])}
    shown = [n for n in content if row[n] != row[f"{n}_before"] and (n in _IDENTITY or _is_amount(row[n]))]
    return {**named, **{n: f"{_text(row[f'{n}_before'])} -> {_text(row[n])}" for n in shown}}


def _is_amount(value: object) -> bool:
    return isinstance(value, Decimal | int)


def _text(value: object) -> str:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)
