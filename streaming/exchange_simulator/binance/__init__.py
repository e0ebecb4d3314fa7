"""Binance spot as documented at https://developers.binance.com/docs/binance-spot-api-docs."""
