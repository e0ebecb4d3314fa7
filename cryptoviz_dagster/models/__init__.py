"""Forecasting models in plain numpy: features in, forecasts and scores out. No orchestration, no storage."""
