"""The lake's tables in PostgreSQL: what is published, how it looks there, how a partition is loaded."""
