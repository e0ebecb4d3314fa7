"""Arithmetic of candles that writers and readers of the lake share: pure Polars, exact decimals, no engine."""
