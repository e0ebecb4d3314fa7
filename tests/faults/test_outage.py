"""A producer that was away for ten minutes, over the simulator: whole again in time, within the venues' limits."""

import asyncio

import pytest

from benchmarks.inputs.stage import Stage
from benchmarks.outage import MARKETS
from cryptoviz.lake.gaps import Cause, GapState

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
AWAY_S, WITHIN_S = 600, 60


async def come_back(stage):
    await stage.open(away_s=AWAY_S)
    try:
        await asyncio.sleep(2)
        return stage.whole_after_s, {venue: feed.rest.budget.as_dict() for venue, feed in stage.feeds.items()}
    finally:
        await stage.close()


@pytest.mark.parametrize("is_aggregated", [False, True], ids=["trades", "aggregates"])
def test_ten_markets_are_whole_within_a_minute_after_ten_minutes_away(is_aggregated, is_full):
    stage = Stage(MARKETS, rate=20 if is_full else 4, aggregates=is_aggregated)
    away = {key: stage.exchange.listed[key].market for key in MARKETS}
    seconds, budgets = asyncio.run(come_back(stage))
    assert seconds is not None
    assert seconds <= WITHIN_S
    assert stage.wrong() == 0
    assert set(stage.topic.ids) == set(away)
    assert {gap.cause for gap in stage.gaps if gap.state is GapState.OPEN} <= {Cause.RESTART, Cause.HOLE}
    assert not any(gap.state is GapState.UNRECOVERABLE for gap in stage.gaps)
    assert all(budget["used"] <= budget["limit"] and not budget["blocked_s"] for budget in budgets.values())
    refused = {name for name in stage.exchange.counts if "banned" in name or "too_many" in name}
    assert not refused
