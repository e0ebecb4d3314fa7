"""Quotients, products and medians of the lake's decimals, rounded half to even in the last digit."""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal

from cryptoviz.lake.schema import DECIMAL_SCALE

_QUANTUM = Decimal(1).scaleb(-DECIMAL_SCALE)
_EXACT = Context(prec=80, rounding=ROUND_HALF_EVEN)


def quotient(amount: Decimal | None, divisor: Decimal | int) -> Decimal | None:
    """``amount`` / ``divisor`` to 18 decimals; None of nothing, and when there is nothing to divide by."""
    if amount is None or not divisor:
        return None
    return _EXACT.divide(amount, Decimal(divisor)).quantize(_QUANTUM, context=_EXACT)


def product(one: Decimal, other: Decimal) -> Decimal:
    """``one`` x ``other`` to 18 decimals."""
    return _EXACT.multiply(one, other).quantize(_QUANTUM, context=_EXACT)


def median(values: Sequence[Decimal]) -> Decimal | None:
    """The middle value, or the mean of the two in the middle to 18 decimals; None of nothing."""
    if not values:
        return None
    ordered, half = sorted(values), len(values) // 2
    if len(values) % 2:
        return ordered[half]
    return quotient(_EXACT.add(ordered[half - 1], ordered[half]), 2)
