"""Forecasts: training, issue, scores, and the page that shows them."""
