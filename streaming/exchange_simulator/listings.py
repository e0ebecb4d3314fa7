"""What is listed where in the simulated world."""

from streaming.exchange_simulator.market import Listing

_TABLE = (
    # key, price, tick decimals, lot decimals, trades a second, typical size in base units
    ("binance:BTC-USDT", 64_000, 2, 5, 2.0, 0.02),
    ("binance:ETH-USDT", 3_100, 2, 4, 1.2, 0.4),
    ("binance:SOL-USDT", 165, 2, 3, 0.8, 6),
    ("binance:XRP-USDT", 0.62, 4, 0, 0.6, 900),
    ("binance:BNB-USDT", 590, 1, 3, 0.5, 1.2),
    ("kraken:BTC-USD", 64_000, 1, 8, 0.4, 0.03),
    ("kraken:ETH-USD", 3_100, 2, 8, 0.3, 0.5),
    ("coinbase:BTC-USD", 64_000, 2, 8, 0.8, 0.02),
    ("coinbase:ETH-USD", 3_100, 2, 8, 0.6, 0.4),
    ("coinbase:SOL-USD", 165, 2, 8, 0.4, 5),
    ("finnhub:AAPL", 232, 2, 0, 0.5, 60),
    ("finnhub:MSFT", 428, 2, 0, 0.4, 40),
    ("finnhub:GOOGL", 176, 2, 0, 0.4, 50),
    ("finnhub:AMZN", 198, 2, 0, 0.4, 50),
    ("finnhub:NVDA", 141, 2, 0, 0.8, 90),
    ("finnhub:TSLA", 338, 2, 0, 0.6, 50),
)
LISTINGS = tuple(
    Listing(
        key=key, base=key.partition(":")[2].split("-")[0], price=price, tick_decimals=tick, lot_decimals=lot,
        rate=rate, size=size,
    )
    for key, price, tick, lot, rate, size in _TABLE
)  # fmt: skip
