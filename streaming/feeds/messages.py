"""Every schema's parser in one place."""

from streaming.feeds import (
    binance_messages,
    coinbase_messages,
    cut,
    gaps,
    kraken_messages,
    legacy_messages,
    listings,
    quote_messages,
)
from streaming.feeds.parsed import Message, Parser, Refusal, parse

PARSERS: dict[str, Parser] = {
    **binance_messages.PARSERS,
    **kraken_messages.PARSERS,
    **coinbase_messages.PARSERS,
    **quote_messages.PARSERS,
    **legacy_messages.PARSERS,
    **cut.PARSERS,
    **gaps.PARSERS,
    **listings.PARSERS,
}


def parse_all(schema: str, values: list[bytes | None]) -> list[Message | Refusal]:
    """Parse records of one schema, each alone: one that fails does not touch the others."""
    parser = PARSERS.get(schema)
    if parser is None:
        return [Refusal("unknown_schema", f"no parser for schema {schema!r}")] * len(values)
    return [parse(parser, value) for value in values]
