"""From Kafka to the page: records parsed once more as they pass, so that the forming candle waits for no lake."""
