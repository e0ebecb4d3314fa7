"""Views under the names and shapes that earlier pipelines gave their tables, over the published ones."""

from cryptoviz.lake.symbols import Venue
from cryptoviz.warehouse.ddl import SCHEMA, Relation, literal, qualified

_VENUE_SPELLING = "replace(symbol, '-', '')"
_ASSET = "split_part(symbol, '-', 1)"
_VIEWS = {
    "crypto_prices_clean": (
        "Every trade of the last day: when, what, for how much. Symbols are spelled BTCUSDT.",
        f"""SELECT extract(epoch FROM event_time)::bigint AS event_time,
       event_time AS event_timestamp,
       {_VENUE_SPELLING} AS symbol,
       price,
       quantity,
       venue,
       trade_id
FROM crypto.trades""",
    ),
    "crypto_prices_agg_1min": (
        "One row for each minute with trades. Symbols are spelled BTCUSDT; trade_count counts trades, not polls.",
        f"""SELECT window_start,
       window_end,
       {_VENUE_SPELLING} AS symbol,
       "open" AS open_price,
       high AS high_price,
       low AS low_price,
       "close" AS close_price,
       trade_count,
       venue
FROM crypto.ohlc_1m
WHERE trade_count > 0""",
    ),
    "crypto_data": (
        "What vendors said of crypto assets, sampled: price, capitalisation, volume and changes in percent.",
        f"""SELECT name, {_ASSET} AS symbol, price, market_cap, volume_24h, change_1h, change_24h, change_7d,
       venue AS source,
       coalesce(source_time, received_time) AS "timestamp",
       received_time AS ingestion_timestamp
FROM crypto.quotes
WHERE venue <> {literal(Venue.FINNHUB)}""",
    ),
    "stock_data": (
        "What vendors said of stocks, sampled: price, the session's range, and the change since the close before.",
        f"""SELECT {_ASSET} AS symbol, price, high_24h AS day_high, low_24h AS day_low, change_24h AS change_pct,
       volume_24h AS volume,
       venue AS source,
       coalesce(source_time, received_time) AS "timestamp",
       received_time AS ingestion_timestamp
FROM crypto.quotes
WHERE venue = {literal(Venue.FINNHUB)}""",
    ),
}


def views() -> list[Relation]:
    """The views."""
    return [
        Relation(
            schema=SCHEMA,
            name=name,
            kind="VIEW",
            statements=(
                f"CREATE VIEW {qualified(SCHEMA, name)} AS\n{query}",
                f"COMMENT ON VIEW {qualified(SCHEMA, name)} IS {literal(doc)}",
            ),
        )
        for name, (doc, query) in _VIEWS.items()
    ]
