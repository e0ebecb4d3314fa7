"""Kafka to lake: two queries, raw and clean, whose progress is the tables' own ledger."""
