"""Feeds to Kafka: positions from the topic's tail, holes filled before anything later is published."""
