"""Bodies and messages of Binance spot, made of the simulated market. Numbers are text with eight places."""

from typing import Any

from streaming.exchange_simulator.candles import Candle
from streaming.exchange_simulator.exchange import Listed
from streaming.exchange_simulator.market import Listing, Trades
from streaming.exchange_simulator.quotes import Quote
from streaming.exchange_simulator.summary import Summary
from streaming.exchange_simulator.texts import amount_text, decimal_text, price_text, quantity_text, ratio_text

_PLACES = 8
_DAY_MS = 86_400_000


def price(listing: Listing, ticks: int) -> str:
    """A price."""
    return price_text(listing, ticks, _PLACES)


def quantity(listing: Listing, lots: int) -> str:
    """A quantity."""
    return quantity_text(listing, lots, _PLACES)


def rest_trade(listing: Listing, trades: Trades, i: int) -> dict[str, Any]:
    """A trade of `trades` and `historicalTrades`."""
    ticks, lots = int(trades.ticks[i]), int(trades.lots[i])
    return {
        "id": int(trades.ids[i]), "price": price(listing, ticks), "qty": quantity(listing, lots),
        "quoteQty": amount_text(listing, ticks * lots), "time": int(trades.times[i]),
        "isBuyerMaker": not trades.buys[i], "isBestMatch": True,
    }  # fmt: skip


def socket_trade(listing: Listing, symbol: str, trades: Trades, i: int) -> dict[str, Any]:
    """A `trade` event."""
    time_ms = int(trades.times[i])
    return {"e": "trade", "E": time_ms + 2, "s": symbol, "t": int(trades.ids[i]),
            "p": price(listing, int(trades.ticks[i])), "q": quantity(listing, int(trades.lots[i])), "T": time_ms,
            "m": not trades.buys[i], "M": True}  # fmt: skip


def book_event(listing: Listing, symbol: str, quote: Quote) -> dict[str, Any]:
    """A `bookTicker` event; it says no time."""
    return {"u": quote.slot, "s": symbol, "b": price(listing, quote.bid), "B": quantity(listing, quote.bid_lots),
            "a": price(listing, quote.ask), "A": quantity(listing, quote.ask_lots)}  # fmt: skip


def book(listing: Listing, symbol: str, quote: Quote) -> dict[str, str]:
    """A row of `ticker/bookTicker`."""
    event = book_event(listing, symbol, quote)
    return {
        "symbol": symbol,
        "bidPrice": event["b"],
        "bidQty": event["B"],
        "askPrice": event["a"],
        "askQty": event["A"],
    }


def kline(listing: Listing, candle: Candle) -> list[Any]:
    """A row of `klines`."""
    s = candle.traded
    prices = [price(listing, ticks) for ticks in (s.open, s.high, s.low, s.close)]
    return [candle.start_ms, *prices, quantity(listing, s.lots), candle.end_ms - 1, amount_text(listing, s.amount),
            s.count, quantity(listing, s.bought_lots), amount_text(listing, s.bought_amount), "0"]  # fmt: skip


def kline_event(listing: Listing, symbol: str, interval: str, candle: Candle, now_ms: int) -> dict[str, Any]:
    """A `kline` event; `x` tells a closed candle."""
    row, s = kline(listing, candle), candle.traded
    fields = {"t": row[0], "T": row[6], "s": symbol, "i": interval, "f": s.first_id, "L": s.last_id, "o": row[1],
              "c": row[4], "h": row[2], "l": row[3], "v": row[5], "n": row[8], "x": now_ms >= candle.end_ms,
              "q": row[7], "V": row[9], "Q": row[10], "B": "0"}  # fmt: skip
    return {"e": "kline", "E": now_ms, "s": symbol, "k": fields}


def day(listed: Listed, symbol: str, now_ms: int) -> dict[str, Any] | None:
    """A row of `ticker/24hr`; None before the first trade."""
    listing, found, quote = listed.listing, listed.day(now_ms), listed.quotes.latest(now_ms)
    if found is None or quote is None:
        return None
    last, before = listed.market.last_before(now_ms, 1), listed.market.last_before(now_ms - _DAY_MS, 1)
    previous = int(before.ticks[0]) if len(before) else found.open
    change = found.close - found.open
    return {
        "symbol": symbol, "priceChange": price(listing, change),
        "priceChangePercent": ratio_text(100 * change, found.open, decimals=0, places=3),
        "weightedAvgPrice": mean_price(listing, found), "prevClosePrice": price(listing, previous),
        "lastPrice": price(listing, found.close), "lastQty": quantity(listing, int(last.lots[0])),
        **{name: text for name, text in book(listing, symbol, quote).items() if name != "symbol"},
        "openPrice": price(listing, found.open), "highPrice": price(listing, found.high),
        "lowPrice": price(listing, found.low), "volume": quantity(listing, found.lots),
        "quoteVolume": amount_text(listing, found.amount), "openTime": now_ms - _DAY_MS, "closeTime": now_ms,
        "firstId": found.first_id, "lastId": found.last_id, "count": found.count,
    }  # fmt: skip


_TICKER_NAMES = {
    "priceChange": "p", "priceChangePercent": "P", "weightedAvgPrice": "w", "prevClosePrice": "x", "lastPrice": "c",
    "lastQty": "Q", "bidPrice": "b", "bidQty": "B", "askPrice": "a", "askQty": "A", "openPrice": "o", "highPrice": "h",
    "lowPrice": "l", "volume": "v", "quoteVolume": "q", "openTime": "O", "closeTime": "C", "firstId": "F",
    "lastId": "L", "count": "n",
}  # fmt: skip


def day_event(row: dict[str, Any], now_ms: int) -> dict[str, Any]:
    """A `24hrTicker` event of a row of `ticker/24hr`."""
    named = {short: row[name] for name, short in _TICKER_NAMES.items()}
    return {"e": "24hrTicker", "E": now_ms, "s": row["symbol"], **named}


def mini_event(row: dict[str, Any], now_ms: int) -> dict[str, Any]:
    """A `24hrMiniTicker` event of a row of `ticker/24hr`."""
    named = {_TICKER_NAMES[name]: row[name] for name in
             ("lastPrice", "openPrice", "highPrice", "lowPrice", "volume", "quoteVolume")}  # fmt: skip
    return {"e": "24hrMiniTicker", "E": now_ms, "s": row["symbol"], **named}


def mean_price(listing: Listing, traded: Summary) -> str:
    """Price weighted by quantity."""
    return ratio_text(traded.amount, traded.lots, decimals=listing.tick_decimals, places=_PLACES)


def symbol_info(listing: Listing, symbol: str, *, is_trading: bool) -> dict[str, Any]:
    """A symbol of `exchangeInfo`."""
    base, _, quote = listing.symbol.partition("-")
    tick, lot = (decimal_text(1, decimals, _PLACES) for decimals in (listing.tick_decimals, listing.lot_decimals))
    filters = [
        {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "1000000.00000000", "tickSize": tick},
        {"filterType": "LOT_SIZE", "minQty": lot, "maxQty": "9000.00000000", "stepSize": lot},
        {"filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": True, "maxNotional":
         "9000000.00000000", "applyMaxToMarket": False, "avgPriceMins": 5},
    ]  # fmt: skip
    return {
        "symbol": symbol, "status": "TRADING" if is_trading else "BREAK", "baseAsset": base, "baseAssetPrecision": 8,
        "quoteAsset": quote, "quotePrecision": 8, "quoteAssetPrecision": 8, "orderTypes": ["LIMIT", "MARKET"],
        "icebergAllowed": True, "ocoAllowed": True, "isSpotTradingAllowed": True, "isMarginTradingAllowed": False,
        "filters": filters, "permissions": [], "permissionSets": [["SPOT"]],
    }  # fmt: skip
