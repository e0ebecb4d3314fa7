"""Decimal text of the venues to decimal(38,18), exactly or not at all."""

from decimal import Decimal, InvalidOperation

import polars as pl

from cryptoviz.lake.schema import DECIMAL_PRECISION, DECIMAL_SCALE

DECIMAL = pl.Decimal(DECIMAL_PRECISION, DECIMAL_SCALE)
PLAIN = rf"^[0-9]{{1,{DECIMAL_PRECISION - DECIMAL_SCALE}}}(\.[0-9]{{1,{DECIMAL_SCALE}}})?$"


def normalise(texts: pl.Series) -> tuple[pl.Series, dict[int, tuple[str, str]]]:
    """Plain decimal texts, and (reason, detail) of each row that is no number that fits. Refused rows read ``0``."""
    odd = (~texts.str.contains(PLAIN).fill_null(value=False)).arg_true().to_list()
    if not odd:
        return texts, {}
    plain, refusals = texts.to_list(), {}
    for row in odd:
        text, plain[row] = plain[row], "0"
        try:
            plain[row] = plain_text(text)
        except ValueError as error:
            reason = "decimal_overflow" if isinstance(error, DoesNotFit) else "bad_decimal"
            refusals[row] = (reason, str(error))
    return pl.Series(texts.name, plain, pl.String), refusals


class DoesNotFit(ValueError):
    """A number, but one that decimal(38,18) cannot hold exactly."""


def plain_text(text: str | None) -> str:
    """Scientific or padded notation to plain digits. Raises ValueError, :class:`DoesNotFit` for size."""
    if text is None or not text.isascii() or "_" in text or text != text.strip():
        raise ValueError(f"{text!r} is not a decimal number")
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a decimal number") from None
    if not number.is_finite():
        raise ValueError(f"{text!r} is not finite")
    if number.is_signed():
        raise ValueError(f"{text!r} has a sign")
    if not number:
        return "0"
    exponent = _lowest_digit(number)
    if number.adjusted() >= DECIMAL_PRECISION - DECIMAL_SCALE or exponent < -DECIMAL_SCALE:
        raise DoesNotFit(f"{text[:60]} does not fit decimal({DECIMAL_PRECISION},{DECIMAL_SCALE})")
    whole, _, fraction = f"{number:f}".partition(".")
    return f"{whole.lstrip('0') or '0'}.{fraction.rstrip('0') or '0'}"


def _lowest_digit(number: Decimal) -> int:
    """Power of ten of the last digit that is not zero."""
    _, digits, exponent = number.as_tuple()
    trailing = next(i for i, d in enumerate(reversed(digits)) if d)
    return int(exponent) + trailing


def fraction_digits(texts: pl.Series) -> pl.Series:
    """Significant digits after the point."""
    return texts.str.extract(r"\.([0-9]*)$", 1).fill_null("").str.strip_chars_end("0").str.len_bytes().cast(pl.Int32)
