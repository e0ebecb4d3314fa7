"""The markets of the measurements of serving."""

from cryptoviz.lake.symbols import Instrument, Venue

MARKETS = tuple(Instrument(Venue.BINANCE, symbol) for symbol in ("BTC-USDT", "ETH-USDT", "SOL-USDT", "XRP-USDT"))
