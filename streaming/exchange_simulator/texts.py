"""Numbers of the simulated market in the venues' decimal text, exact."""


def decimal_text(units: int, decimals: int, places: int | None = None) -> str:
    """``units`` of ``10^-decimals`` as text with so many places after the point (all of them by default)."""
    places = decimals if places is None else places
    if decimals == 0:
        whole, fraction = str(units), ""
    else:
        digits = str(units).rjust(decimals + 1, "0")
        whole, fraction = digits[:-decimals], digits[-decimals:]
    fraction = fraction.ljust(places, "0")
    return f"{whole}.{fraction}" if fraction else whole
