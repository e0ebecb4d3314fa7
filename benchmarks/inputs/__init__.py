"""What measurements and tests of serving read: a lake of random candles, a random feed."""
