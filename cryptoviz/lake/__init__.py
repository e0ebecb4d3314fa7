"""The contract every part shares: tables, topics, symbols, hours, locations, ledger. Names no engine."""
