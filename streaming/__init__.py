"""Venues to Kafka to lake: feeds, the producer, the Spark service and the exchange simulator."""
