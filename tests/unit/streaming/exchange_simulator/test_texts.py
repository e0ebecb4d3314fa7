from decimal import ROUND_HALF_UP, Decimal

from hypothesis import given
from hypothesis import strategies as st

from streaming.exchange_simulator.texts import decimal_text, ratio_text, rfc3339


@given(st.integers(-(10**15), 10**15), st.integers(0, 8))
def test_decimal_text_is_exact(units, decimals):
    assert Decimal(decimal_text(units, decimals, 10)) == Decimal(units).scaleb(-decimals)


@given(st.integers(0, 10**18), st.integers(1, 10**12), st.integers(0, 5))
def test_ratio_text_is_the_quotient_rounded(numerator, denominator, decimals):
    exact = Decimal(numerator).scaleb(-decimals) / Decimal(denominator)
    found = Decimal(ratio_text(numerator, denominator, decimals=decimals, places=6))
    assert abs(found - exact.quantize(Decimal("0.000001"), ROUND_HALF_UP)) <= Decimal("0.000001")


def test_a_ratio_of_nothing_is_zero():
    assert ratio_text(5, 0, decimals=2, places=3) == "0.000"


def test_instants_keep_the_digits_asked_for():
    assert rfc3339(1_795_200_000_123_456_789) == "2026-11-20T18:40:00.123456Z"
    assert rfc3339(1_795_200_000_123_456_789, 9) == "2026-11-20T18:40:00.123456789Z"
