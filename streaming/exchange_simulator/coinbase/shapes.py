"""Bodies and messages of Coinbase, made of the simulated market. A trade says the maker's side: a bought one `sell`."""

import uuid
from typing import Any

from streaming.exchange_simulator.candles import Candle
from streaming.exchange_simulator.exchange import Listed
from streaming.exchange_simulator.market import Listing, Trades
from streaming.exchange_simulator.texts import decimal_text, price_text, quantity_text, ratio_text, rfc3339

_SEQUENCE_STEP = 7
"""Every trade has some order events before it in the product's sequence."""
_MONTH_DAYS = 30
_PLACES = 8


def price(listing: Listing, ticks: int) -> str:
    """A price."""
    return price_text(listing, ticks, max(2, listing.tick_decimals))


def quantity(listing: Listing, lots: int) -> str:
    """A quantity."""
    return quantity_text(listing, lots, _PLACES)


def maker_side(trades: Trades, i: int) -> str:
    """The side of the order that stood in the book."""
    return "sell" if trades.buys[i] else "buy"


def sequence(trade_id: int) -> int:
    """A trade's place in the product's feed."""
    return 90_000_000 + trade_id * _SEQUENCE_STEP


def rest_trade(listing: Listing, trades: Trades, i: int) -> dict[str, Any]:
    """A row of `/products/{id}/trades`."""
    return {
        "trade_id": int(trades.ids[i]), "side": maker_side(trades, i), "size": quantity(listing, int(trades.lots[i])),
        "price": price(listing, int(trades.ticks[i])), "time": rfc3339(trades.time_ns(i)),
    }  # fmt: skip


def match(listing: Listing, trades: Trades, i: int, *, kind: str = "match") -> dict[str, Any]:
    """A `match` of the feed, or the `last_match` that begins it."""
    number = int(trades.ids[i])
    orders = {f"{role}_order_id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{role}:{listing.key}:{number}"))
              for role in ("maker", "taker")}  # fmt: skip
    row = rest_trade(listing, trades, i)
    return {
        "type": kind, "trade_id": number, **orders, "side": row["side"], "size": row["size"], "price": row["price"],
        "product_id": listing.symbol, "sequence": sequence(number), "time": row["time"],
    }  # fmt: skip


def rest_ticker(one: Listed, now_ms: int) -> dict[str, Any] | None:
    """The body of `/products/{id}/ticker`; None before the first trade."""
    last, quote, day = one.market.last_before(now_ms, 1), one.quotes.latest(now_ms), one.day(now_ms)
    if quote is None or day is None:
        return None
    row, entry = rest_trade(one.listing, last, 0), one.listing
    return {
        "ask": price(entry, quote.ask), "bid": price(entry, quote.bid), "volume": quantity(entry, day.lots),
        "trade_id": row["trade_id"], "price": row["price"], "size": row["size"], "time": row["time"],
        "rfq_volume": "0.000000",
    }  # fmt: skip


def stats(one: Listed, now_ms: int) -> dict[str, Any] | None:
    """The body of `/products/{id}/stats`; the month's volume is said as 30 times the day's."""
    day, entry = one.day(now_ms), one.listing
    if day is None:
        return None
    return {
        "open": price(entry, day.open), "high": price(entry, day.high), "low": price(entry, day.low),
        "last": price(entry, day.close), "volume": quantity(entry, day.lots),
        "volume_30day": quantity(entry, day.lots * _MONTH_DAYS),
    }  # fmt: skip


def ticker(one: Listed, now_ms: int) -> dict[str, Any] | None:
    """A `ticker` of the feed; None before the first trade."""
    last, quote, day = one.market.last_before(now_ms, 1), one.quotes.latest(now_ms), stats(one, now_ms)
    if quote is None or day is None:
        return None
    entry, row = one.listing, rest_trade(one.listing, last, 0)
    return {
        "type": "ticker", "sequence": sequence(row["trade_id"]), "product_id": entry.symbol, "price": row["price"],
        "open_24h": day["open"], "volume_24h": day["volume"], "low_24h": day["low"], "high_24h": day["high"],
        "volume_30d": day["volume_30day"], "best_bid": price(entry, quote.bid),
        "best_bid_size": quantity(entry, quote.bid_lots), "best_ask": price(entry, quote.ask),
        "best_ask_size": quantity(entry, quote.ask_lots), "side": "buy" if last.buys[0] else "sell",
        "time": row["time"], "trade_id": row["trade_id"], "last_size": row["size"],
    }  # fmt: skip


def advanced_trade(listing: Listing, trades: Trades, i: int) -> dict[str, Any]:
    """A trade of `market_trades`."""
    row = rest_trade(listing, trades, i)
    return {"product_id": listing.symbol, "trade_id": str(row["trade_id"]), "price": row["price"], "size": row["size"],
            "time": row["time"], "side": row["side"].upper()}  # fmt: skip


def advanced_ticker(one: Listed, now_ms: int) -> dict[str, Any] | None:
    """A ticker of Advanced Trade; None before the first trade. Of 52 weeks it says the day."""
    row, day = ticker(one, now_ms), one.day(now_ms)
    if row is None or day is None:
        return None
    return {
        "type": "ticker", "product_id": row["product_id"], "price": row["price"], "volume_24_h": row["volume_24h"],
        "low_24_h": row["low_24h"], "high_24_h": row["high_24h"], "low_52_w": row["low_24h"],
        "high_52_w": row["high_24h"],
        "price_percent_chg_24_h": ratio_text(100 * (day.close - day.open), day.open, decimals=0, places=8),
        "best_bid": row["best_bid"], "best_bid_quantity": row["best_bid_size"], "best_ask": row["best_ask"],
        "best_ask_quantity": row["best_ask_size"],
    }  # fmt: skip


def candle_row(listing: Listing, candle: Candle) -> list[float]:
    """A row of `/products/{id}/candles`: seconds, low, high, open, close, volume, as JSON numbers."""
    s = candle.traded
    prices = [float(price_text(listing, ticks)) for ticks in (s.low, s.high, s.open, s.close)]
    return [candle.start_ms // 1000, *prices, float(quantity(listing, s.lots))]


def product(listing: Listing, *, is_trading: bool) -> dict[str, Any]:
    """A row of `/products`."""
    base, _, quote = listing.symbol.partition("-")
    return {
        "id": listing.symbol, "base_currency": base, "quote_currency": quote,
        "quote_increment": decimal_text(1, listing.tick_decimals),
        "base_increment": decimal_text(1, listing.lot_decimals),
        "display_name": f"{base}-{quote}", "min_market_funds": "1", "margin_enabled": False, "post_only": False,
        "limit_only": False, "cancel_only": not is_trading, "status": "online" if is_trading else "offline",
        "status_message": "", "trading_disabled": not is_trading, "fx_stablecoin": False,
        "max_slippage_percentage": "0.02000000", "auction_mode": False, "high_bid_limit_percentage": "",
    }  # fmt: skip


def currency(name: str) -> dict[str, Any]:
    """A row of `/currencies`."""
    kind = "fiat" if name in {"USD", "EUR", "GBP"} else "crypto"
    return {"id": name, "name": name, "min_size": "0.00000001", "status": "online", "message": "",
            "max_precision": "0.01" if kind == "fiat" else "0.00000001", "convertible_to": [],
            "details": {"type": kind}, "default_network": "", "supported_networks": []}  # fmt: skip
