"""Which runs share the machine: the chain of the live hour always finds a place, whatever else is due.

Runs of a lane take turns, see ``concurrency`` in `infra/dagster/dagster.yaml`.
"""

BACKGROUND = {"cryptoviz/background": "1", "dagster/priority": "-10"}
"""Tags of what may wait for hours: upkeep, training, rebuilds."""
BACKLOG = {"cryptoviz/backlog": "1"}
"""Tags of the chain over a stretch of past hours: after an outage, or while history is being fetched."""
FOLLOWING = {"cryptoviz/following": "1"}
"""Tags of what comes after the chain: forecasts, scores, publication, metrics of changed history."""
