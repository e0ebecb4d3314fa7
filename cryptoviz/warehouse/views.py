"""Views under the names and shapes that earlier pipelines gave their tables, over the published ones."""

from cryptoviz.warehouse.ddl import SCHEMA, Relation, literal, qualified

_VENUE_SPELLING = "replace(symbol, '-', '')"
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
        "Last price and volume of each minute with trades, and the change within it, in percent.",
        """SELECT symbol,
       venue,
       window_end AS "timestamp",
       "close" AS price,
       volume,
       quote_volume,
       100 * ("close" / "open" - 1) AS change_pct
FROM crypto.ohlc_1m
WHERE trade_count > 0""",
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
