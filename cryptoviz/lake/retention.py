"""How long rows are kept: only of tables from which nothing is computed again, so that forgetting changes no number."""

from collections.abc import Mapping
from datetime import timedelta

from cryptoviz.lake.candle_tables import CANDLE_PUBLICATIONS, CANDLE_REVISIONS
from cryptoviz.lake.tables import DUPLICATES, QUARANTINE
from cryptoviz.lake.topics import TOPICS

SHORTEST = timedelta(days=2)
"""Records may be late by a day, and the auditor needs the raw records of whole days."""
FORGETTABLE = (*(t.raw_table for t in TOPICS), QUARANTINE.name, DUPLICATES.name, CANDLE_REVISIONS.name,
               CANDLE_PUBLICATIONS.name)  # fmt: skip

Retention = dict[str, timedelta]
"""How long rows are kept, by table; other tables keep theirs for ever."""


def parse_retention(kept: Mapping[str, object]) -> Retention:
    """Check tables and times. Raises ValueError naming what cannot be."""
    retention: Retention = {}
    for name, time in kept.items():
        if name not in FORGETTABLE:
            raise ValueError(f"table {name!r} is kept for ever; those that need not be: {', '.join(FORGETTABLE)}")
        if not isinstance(time, timedelta) or time < SHORTEST:
            raise ValueError(f"{name} must be kept at least {SHORTEST.days} d, written as 90d")
        retention[name] = time
    return retention
