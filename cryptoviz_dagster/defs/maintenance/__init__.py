"""What keeps the lake and its orchestration well: upkeep of tables, budgets, audits, reports of checks, freshness."""
