"""Numbers and times of the simulated market in the venues' text, exact."""

from datetime import UTC, datetime

from streaming.exchange_simulator.market import Listing


def decimal_text(units: int, decimals: int, places: int | None = None) -> str:
    """``units`` of ``10^-decimals`` as text with so many places after the point (all of them by default)."""
    places = decimals if places is None else places
    sign, units = ("-", -units) if units < 0 else ("", units)
    if decimals == 0:
        whole, fraction = str(units), ""
    else:
        digits = str(units).rjust(decimals + 1, "0")
        whole, fraction = digits[:-decimals], digits[-decimals:]
    fraction = fraction.ljust(places, "0")
    return f"{sign}{whole}.{fraction}" if fraction else sign + whole


def price_text(listing: Listing, ticks: int, places: int | None = None) -> str:
    """A price."""
    return decimal_text(ticks, listing.tick_decimals, places)


def quantity_text(listing: Listing, lots: int, places: int | None = None) -> str:
    """A quantity of the base."""
    return decimal_text(lots, listing.lot_decimals, places)


def amount_text(listing: Listing, amount: int, places: int = 8) -> str:
    """An amount of the quote, from ticks times lots, with at least so many places."""
    scale = listing.tick_decimals + listing.lot_decimals
    return decimal_text(amount, scale, max(places, scale))


def ratio_text(numerator: int, denominator: int, *, decimals: int, places: int) -> str:
    """A quotient of whole numbers in units of ``10^-decimals``, rounded half up to so many places; 0 for nothing."""
    if denominator == 0:
        return decimal_text(0, 0, places)
    scaled = numerator * 10**places
    below = denominator * 10**decimals
    return decimal_text((2 * scaled + below) // (2 * below), places)


def rfc3339(time_ns: int, places: int = 6) -> str:
    """An instant with so many digits of the second, ``2026-11-21T07:00:00.000001Z``."""
    stamp = datetime.fromtimestamp(time_ns // 1_000_000_000, UTC)
    return f"{stamp:%Y-%m-%dT%H:%M:%S}.{time_ns % 1_000_000_000:09d}"[: 20 + places] + "Z"
