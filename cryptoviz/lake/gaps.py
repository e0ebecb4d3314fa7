"""Words of the gap ledger: the states a gap can be in, and why ids were missing."""

from enum import StrEnum


class GapState(StrEnum):
    """A gap is open until its ids are published, or the venue has shown that it does not have them."""

    OPEN = "open"
    REPAIRED = "repaired"
    UNRECOVERABLE = "unrecoverable"


class Cause(StrEnum):
    """Why ids were missing: skipped on a connection that stood, unheard while it did not, or while no feed ran."""

    HOLE = "hole"
    RECONNECT = "reconnect"
    RESTART = "restart"
