"""Coinbase Exchange (REST and feed) and the socket of Advanced Trade, after https://docs.cdp.coinbase.com."""
