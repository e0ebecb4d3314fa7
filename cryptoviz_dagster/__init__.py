"""The Dagster code location: orchestration only. Arithmetic lies in `transforms`, which knows no Dagster."""
