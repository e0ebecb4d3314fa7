"""The intervals served: those that are read from tables."""

from cryptoviz.arithmetic import intervals

Served = intervals.ReadInterval
INTERVALS = {name: interval for name, interval in intervals.INTERVALS.items() if interval.sources}
"""By the name that Binance gives them."""
