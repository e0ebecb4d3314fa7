"""Bodies and messages of Kraken spot, made of the simulated market.

REST says numbers as text; socket v2 says them as JSON numbers, whose digits are kept by writing the text unquoted.
"""

from typing import Any

from streaming.exchange_simulator.candles import Candle
from streaming.exchange_simulator.exchange import Listed
from streaming.exchange_simulator.market import Listing, Market, Trades
from streaming.exchange_simulator.summary import Summary
from streaming.exchange_simulator.texts import price_text, quantity_text, ratio_text, rfc3339

_LEGACY = {"BTC": "XXBT", "ETH": "XETH", "XRP": "XXRP", "USD": "ZUSD", "EUR": "ZEUR"}
_ALTERNATIVE = {"BTC": "XBT", "DOGE": "XDG"}
_REST_PLACES, _VOLUME_PLACES = 5, 8
_FEES = [[0, 0.4], [10000, 0.35], [50000, 0.24]]
_MAKER_FEES = [[0, 0.25], [10000, 0.2], [50000, 0.14]]


def pair_name(listing: Listing) -> str:
    """The name REST answers under: ``XXBTZUSD``, but ``XBTUSDT`` when the quote has no legacy name."""
    base, _, quote = listing.symbol.partition("-")
    return _LEGACY.get(base, base) + _LEGACY[quote] if base in _LEGACY and quote in _LEGACY else alternative(listing)


def alternative(listing: Listing) -> str:
    """The short name, ``XBTUSD``."""
    base, _, quote = listing.symbol.partition("-")
    return _ALTERNATIVE.get(base, base) + quote


def socket_name(listing: Listing) -> str:
    """The name of socket v2, ``BTC/USD``."""
    return listing.symbol.replace("-", "/")


def asset(name: str) -> tuple[str, dict[str, Any]]:
    """Name and row of an asset of `Assets`."""
    decimals = 4 if name in {"USD", "EUR"} else 10
    return _LEGACY.get(name, name), {"aclass": "currency", "altname": _ALTERNATIVE.get(name, name),
                                     "decimals": decimals, "display_decimals": 5, "status": "enabled"}  # fmt: skip


def pair(listing: Listing, *, is_trading: bool) -> dict[str, Any]:
    """A row of `AssetPairs`."""
    base, _, quote = listing.symbol.partition("-")
    return {
        "altname": alternative(listing), "wsname": f"{_ALTERNATIVE.get(base, base)}/{quote}", "aclass_base": "currency",
        "base": _LEGACY.get(base, base), "aclass_quote": "currency", "quote": _LEGACY.get(quote, quote), "lot": "unit",
        "cost_decimals": 5, "pair_decimals": listing.tick_decimals, "lot_decimals": listing.lot_decimals,
        "lot_multiplier": 1, "leverage_buy": [], "leverage_sell": [], "fees": _FEES, "fees_maker": _MAKER_FEES,
        "fee_volume_currency": "ZUSD", "margin_call": 80, "margin_stop": 40, "ordermin": "0.0001", "costmin": "0.5",
        "tick_size": price_text(listing, 1), "status": "online" if is_trading else "cancel_only",
    }  # fmt: skip


def rest_trade(listing: Listing, trades: Trades, i: int) -> list[Any]:
    """A row of `Trades`: price, volume, seconds, side, order type, misc, id."""
    seconds = f"{trades.time_ns(i) // 100:010d}"
    return [
        price_text(listing, int(trades.ticks[i]), _REST_PLACES), quantity_text(listing, int(trades.lots[i]), 8),
        float(f"{seconds[:-7]}.{seconds[-7:]}"), "b" if trades.buys[i] else "s", "l" if trades.limits[i] else "m", "",
        int(trades.ids[i]),
    ]  # fmt: skip


def rest_candle(listing: Listing, candle: Candle) -> list[Any]:
    """A row of `OHLC`: seconds, open, high, low, close, mean price, volume, count."""
    s, digits = candle.traded, listing.tick_decimals
    prices = [price_text(listing, ticks) for ticks in (s.open, s.high, s.low, s.close)]
    mean = _mean(listing, s) if s.count else decimal_zero(digits)
    return [candle.start_ms // 1000, *prices, mean, quantity_text(listing, s.lots, _VOLUME_PLACES), s.count]


def decimal_zero(places: int) -> str:
    """Zero with so many places."""
    return "0." + "0" * places if places else "0"


def rest_ticker(one: Listed, now_ms: int, midnight_ms: int) -> dict[str, Any] | None:
    """A row of `Ticker`: pairs of values are of today and of the last 24 hours; None before the first trade."""
    listing, quote, last = one.listing, one.quotes.latest(now_ms), one.market.last_before(now_ms, 1)
    whole = one.day(now_ms)
    if quote is None or whole is None:
        return None
    today = one.summaries.between(midnight_ms, now_ms) or whole
    both = (today, whole)

    def book(ticks: int, lots: int) -> list[str]:
        return [
            price_text(listing, ticks, _REST_PLACES), quantity_text(listing, lots).partition(".")[0] or "0",
            quantity_text(listing, lots).partition(".")[0] + ".000",
        ]  # fmt: skip

    return {
        "a": book(quote.ask, quote.ask_lots), "b": book(quote.bid, quote.bid_lots),
        "c": [price_text(listing, int(last.ticks[0]), _REST_PLACES), quantity_text(listing, int(last.lots[0]), 8)],
        "v": [quantity_text(listing, s.lots, _VOLUME_PLACES) for s in both],
        "p": [_mean(listing, s, _REST_PLACES) for s in both], "t": [s.count for s in both],
        "l": [price_text(listing, s.low, _REST_PLACES) for s in both],
        "h": [price_text(listing, s.high, _REST_PLACES) for s in both],
        "o": price_text(listing, today.open, _REST_PLACES),
    }  # fmt: skip


def socket_trade(market: Market, trades: Trades, i: int) -> str:
    """An element of the `trade` channel."""
    entry = market.listing
    return (
        f'{{"symbol":"{socket_name(entry)}","side":"{"buy" if trades.buys[i] else "sell"}",'
        f'"price":{price_text(entry, int(trades.ticks[i]))},"qty":{quantity_text(entry, int(trades.lots[i]))},'
        f'"ord_type":"{"limit" if trades.limits[i] else "market"}","trade_id":{int(trades.ids[i])},'
        f'"timestamp":"{rfc3339(trades.time_ns(i))}"}}'
    )


def socket_ticker(one: Listed, now_ms: int) -> str | None:
    """The element of the `ticker` channel; None before the first trade."""
    entry, quote, s = one.listing, one.quotes.latest(now_ms), one.day(now_ms)
    if quote is None or s is None:
        return None
    change = ratio_text(100 * (s.close - s.open), s.open, decimals=0, places=2)
    return (
        f'{{"symbol":"{socket_name(entry)}","bid":{price_text(entry, quote.bid)},'
        f'"bid_qty":{quantity_text(entry, quote.bid_lots)},"ask":{price_text(entry, quote.ask)},'
        f'"ask_qty":{quantity_text(entry, quote.ask_lots)},"last":{price_text(entry, s.close)},'
        f'"volume":{quantity_text(entry, s.lots)},"vwap":{_mean(entry, s)},"low":{price_text(entry, s.low)},'
        f'"high":{price_text(entry, s.high)},"change":{price_text(entry, s.close - s.open)},"change_pct":{change},'
        f'"timestamp":"{rfc3339(now_ms * 1_000_000)}"}}'
    )


def socket_candle(one: Listed, candle: Candle, minutes: int) -> str:
    """An element of the `ohlc` channel."""
    entry, s = one.listing, candle.traded
    begin, end = rfc3339(candle.start_ms * 1_000_000, 9), rfc3339(candle.end_ms * 1_000_000)
    return (
        f'{{"symbol":"{socket_name(entry)}","open":{price_text(entry, s.open)},"high":{price_text(entry, s.high)},'
        f'"low":{price_text(entry, s.low)},"close":{price_text(entry, s.close)},"trades":{s.count},'
        f'"volume":{quantity_text(entry, s.lots)},"vwap":{_mean(entry, s)},"interval_begin":"{begin}",'
        f'"interval":{minutes},"timestamp":"{end}"}}'
    )


def _mean(listing: Listing, s: Summary, places: int | None = None) -> str:
    digits = listing.tick_decimals if places is None else places
    return ratio_text(s.amount, s.lots, decimals=listing.tick_decimals, places=digits)
