"""Forecasts in plain numpy: features in, forecasts and scores out. No orchestration, no storage.

It lies here, not beside the assets, because the command line evaluates with the very code that issues.
"""
