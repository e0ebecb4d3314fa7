"""Tables of what is computed from candles: hourly metrics, correlations and the overview of the market.

Prices and amounts are exact decimals; ratios and indicators are floats. A null says that the history for it is missing.
"""

from cryptoviz.lake.schema import MARKET, WINDOW, Column, Owner, Table, Type

_MARKET_STATE = (
    Column("status", Type.STRING, "Status of the hourly candle: open, blind, halted, repaired, traded or quiet"),
    Column("last_price", Type.DECIMAL, "Price of the last trade of the hour", nullable=True),
    Column(
        "mean_price",
        Type.DECIMAL,
        "Mean of the prices at the ends of its minutes from the first trade on; quiet minutes carry the price before",
        nullable=True,
    ),
    Column("vwap", Type.DECIMAL, "quote_volume / volume", nullable=True),
    Column("volume", Type.DECIMAL, "Base units traded in the hour"),
    Column("quote_volume", Type.DECIMAL, "Quote units traded in the hour"),
    Column("trade_count", Type.INT64, "Trades in the hour"),
    Column("quoted_ms", Type.INT64, "Milliseconds of the hour for which a best bid and ask are known"),
    Column("spread_mean", Type.DECIMAL, "Time-weighted ask - bid, in quote units", nullable=True),
    Column("spread_max", Type.DECIMAL, "Widest ask - bid, in quote units", nullable=True),
    Column("spread_percent", Type.FLOAT64, "100 x time-weighted spread / time-weighted mid", nullable=True),
    Column("mid_mean", Type.DECIMAL, "Time-weighted (ask + bid) / 2, in quote units", nullable=True),
    Column(
        "liquidity", Type.DECIMAL, "Time-weighted quantity at best bid and ask together, in base units", nullable=True
    ),
    Column(
        "realised_volatility",
        Type.FLOAT64,
        "sqrt(sum of squared log returns of its minutes), not scaled to a year; Andersen and Bollerslev 1998",
        nullable=True,
    ),
)
_LAST_DAY = (
    Column("high_24h", Type.DECIMAL, "Highest price of the last 24 hours", nullable=True),
    Column("low_24h", Type.DECIMAL, "Lowest price of the last 24 hours", nullable=True),
    Column(
        "range_24h_percent", Type.FLOAT64, "100 x (high_24h - low_24h) / price; a range, no volatility", nullable=True
    ),
    Column("volume_24h", Type.DECIMAL, "Base units traded in the last 24 hours", nullable=True),
    Column("quote_volume_24h", Type.DECIMAL, "Quote units traded in the last 24 hours", nullable=True),
    Column("market_cap", Type.DECIMAL, "Latest of the base asset among the hour's quotes, US dollars", nullable=True),
)
_CHANGES = (
    Column("price_change_percent_1h", Type.FLOAT64, "100 x (price / price 1 hour before - 1)", nullable=True),
    Column("price_change_percent_24h", Type.FLOAT64, "100 x (price / price 24 hours before - 1)", nullable=True),
    Column("price_change_percent_7d", Type.FLOAT64, "100 x (price / price 168 hours before - 1)", nullable=True),
    Column("log_return", Type.FLOAT64, "ln(price / price 1 hour before)", nullable=True),
    Column("mover_rank", Type.INT32, "Place among its venue's markets by |price_change_percent_24h|", nullable=True),
)
_INDICATORS = (
    Column("rsi_14", Type.FLOAT64, "Relative strength index, 0 to 100, of 14 hours; Wilder 1978", nullable=True),
    Column("macd", Type.FLOAT64, "EMA(12) - EMA(26) of the price, in quote units; Appel 1979", nullable=True),
    Column("macd_signal", Type.FLOAT64, "EMA(9) of macd, in quote units", nullable=True),
    Column("macd_histogram", Type.FLOAT64, "macd - macd_signal, in quote units", nullable=True),
    Column(
        "bollinger_upper", Type.FLOAT64, "Middle + 2 standard deviations (of 20, not 19); Bollinger 2001", nullable=True
    ),
    Column("bollinger_middle", Type.FLOAT64, "Mean price of 20 hours, in quote units", nullable=True),
    Column("bollinger_lower", Type.FLOAT64, "Middle - 2 standard deviations, in quote units", nullable=True),
    Column("momentum_10h", Type.FLOAT64, "Price - price 10 hours before, in quote units", nullable=True),
    Column(
        "volatility_24h", Type.FLOAT64, "sqrt(sum of squared hourly log returns of 24 hours), not scaled", nullable=True
    ),
    Column(
        "volatility_rank", Type.FLOAT64, "Share of the look-back's volatility_24h not above this one", nullable=True
    ),
    Column(
        "volatility_regime",
        Type.STRING,
        "calm up to rank 0.25, normal 0.75, elevated 0.95, extreme above",
        nullable=True,
    ),
    Column(
        "volume_z_score", Type.FLOAT64, "(volume - mean) / standard deviation of the 168 hours before", nullable=True
    ),
    Column("is_volume_spike", Type.BOOL, "Whether volume_z_score is at least 3", nullable=True),
)
_ORIGIN = (
    Column("hours", Type.INT32, "Hours of unbroken history up to this one, at most 720; prices of quiet hours carried"),
    Column("reason", Type.STRING, "Why columns are null, in a sentence; null when history suffices", nullable=True),
    Column("source_version", Type.STRING, "Version of the trades its hourly candle stands on"),
    Column("quotes_version", Type.STRING, "Version of the book tickers its hourly candle stands on"),
    Column("history_version", Type.STRING, "Count and sum of the row hashes of the hours of history it stands on"),
)

HOURLY_METRICS = Table(
    name="hourly_metrics",
    doc="One row for each venue, symbol and hour: the state of the market, its last day, changes and indicators.",
    columns=(*MARKET, *WINDOW, *_MARKET_STATE, *_LAST_DAY, *_CHANGES, *_INDICATORS, *_ORIGIN),
    key=("venue", "symbol", "window_start"),
    time_column="window_start",
    owner=Owner.DAGSTER,
    statistics=("window_start", "symbol", "status", "source_version", "quotes_version"),
)

HOURLY_CORRELATIONS = Table(
    name="hourly_correlations",
    doc="One row for each venue, hour, window and pair of its symbols, the first of a pair before the other one.",
    columns=(
        *MARKET,
        Column("other_symbol", Type.STRING, "Canonical symbol, after the first one in the alphabet"),
        *WINDOW,
        Column("window_hours", Type.INT32, "Hourly log returns the correlation is asked of: 24 or 168"),
        Column("correlation", Type.FLOAT64, "Pearson's r of the hourly log returns, -1 to 1", nullable=True),
        Column("hours", Type.INT32, "Log returns that both have; fewer than window_hours leave it null"),
    ),
    key=("venue", "symbol", "other_symbol", "window_hours", "window_start"),
    time_column="window_start",
    owner=Owner.DAGSTER,
    statistics=("window_start", "symbol", "other_symbol", "window_hours"),
)

MARKET_OVERVIEW = Table(
    name="market_overview",
    doc="One row for each asset, quote currency, minute and source: its price beside the consensus of the fresh ones.",
    columns=(
        Column("asset", Type.STRING, "What is priced, by its latest ticker: BTC"),
        Column("quote", Type.STRING, "Currency of the prices; USD, USDT and USDC are three, none stands for another"),
        *WINDOW,
        Column("source", Type.STRING, "Venue or vendor"),
        Column("price", Type.DECIMAL, "The source's latest price up to the end of the minute", nullable=True),
        Column("age_s", Type.INT64, "Seconds from the price to the end of the minute", nullable=True),
        Column("is_stale", Type.BOOL, "Whether there is no price, or it is older than the consensus admits"),
        Column("consensus_price", Type.DECIMAL, "Median of the fresh sources' prices", nullable=True),
        Column("consensus_usd", Type.DECIMAL, "The same in US dollars by the consensus of quote-USD", nullable=True),
        Column("fresh_sources", Type.INT32, "Sources the consensus is of"),
        Column("residual_bps", Type.FLOAT64, "10,000 x (price / consensus_price - 1)", nullable=True),
        Column("market_cap", Type.DECIMAL, "Latest market capitalisation of the asset, US dollars", nullable=True),
        Column("market_cap_rank", Type.INT32, "Place of the asset by market capitalisation", nullable=True),
    ),
    key=("asset", "quote", "window_start", "source"),
    time_column="window_start",
    owner=Owner.DAGSTER,
    statistics=("window_start", "asset", "quote"),
)

HOURLY_QUOTES = Table(
    name="hourly_quotes",
    doc="One row for each vendor, symbol and hour: what its quotes said. Samples, no trades: extremes are of samples.",
    columns=(
        *MARKET,
        *WINDOW,
        Column("samples", Type.INT64, "Quotes received in the hour"),
        Column("stale_samples", Type.INT64, "Those of them that were stale when received"),
        Column("first_price", Type.DECIMAL, "Price of the first sample, in quote units"),
        Column("highest_price", Type.DECIMAL, "Highest price sampled"),
        Column("lowest_price", Type.DECIMAL, "Lowest price sampled"),
        Column("last_price", Type.DECIMAL, "Price of the last sample"),
        Column("mean_price", Type.DECIMAL, "Mean price of the samples"),
        Column("market_cap", Type.DECIMAL, "Latest, in quote units", nullable=True),
        Column("volume_24h", Type.DECIMAL, "Latest, in quote units", nullable=True),
        Column("change_1h", Type.DECIMAL, "Latest, in percent", nullable=True),
        Column("change_24h", Type.DECIMAL, "Latest, in percent; of a stock, since the close before", nullable=True),
        Column("change_7d", Type.DECIMAL, "Latest, in percent", nullable=True),
        Column("bid_price", Type.DECIMAL, "Latest highest price bid", nullable=True),
        Column("ask_price", Type.DECIMAL, "Latest lowest price asked", nullable=True),
        Column("high_24h", Type.DECIMAL, "Latest; of a stock, of its session", nullable=True),
        Column("low_24h", Type.DECIMAL, "Latest; of a stock, of its session", nullable=True),
        Column("oldest_ms", Type.INT64, "Largest age of a sample when received, in milliseconds", nullable=True),
        Column("source_version", Type.STRING, "Version of the quotes it was rolled up from"),
    ),
    key=("venue", "symbol", "window_start"),
    time_column="window_start",
    owner=Owner.DAGSTER,
    statistics=("window_start", "symbol", "source_version"),
)

METRIC_TABLES = (HOURLY_METRICS, HOURLY_CORRELATIONS, MARKET_OVERVIEW, HOURLY_QUOTES)
