"""Kraken spot as documented at https://docs.kraken.com/api: REST and socket v2."""
