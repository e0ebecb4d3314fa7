from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.spark.decimals import DECIMAL, DoesNotFit, fraction_digits, normalise, plain_text

fitting = st.decimals(0, Decimal("99999999999999999999.999999999999999999"), places=18, allow_nan=False)


@given(fitting)
def test_every_number_that_fits_survives_exactly(number):
    series, refused = normalise(pl.Series([f"{number:f}", f"{number:e}"]))
    assert not refused
    assert series.cast(DECIMAL).to_list() == [number, number]


@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", "-0", "-1", "1,5", "0x10", "", " 1", "1_000", "\u0661", "abc", "1e", None]
)
def test_what_is_no_positive_number_is_refused(text):
    _, refused = normalise(pl.Series("price", [text], pl.String))
    assert refused[0][0] == "bad_decimal"


@pytest.mark.parametrize("text", ["1e309", "1e20", "100000000000000000000", "1e-19", "0.1234567890123456789"])
def test_what_does_not_fit_is_refused_and_never_rounded(text):
    _, refused = normalise(pl.Series([text]))
    assert refused[0][0] == "decimal_overflow"
    with pytest.raises(DoesNotFit):
        plain_text(text)


def test_a_price_below_1e_8_and_a_quantity_above_1e11_fit():
    series, refused = normalise(pl.Series(["0.000000000000000001", "123456789012.5", "1e-7"]))
    assert not refused
    assert series.cast(DECIMAL).to_list() == [Decimal("1e-18"), Decimal("123456789012.5"), Decimal("1e-7")]


def test_trailing_zeros_are_no_digits():
    assert fraction_digits(pl.Series(["1.50000000", "2", "0.00000001", "3.000"])).to_list() == [1, 0, 8, 0]
