"""Faults of venues against the feeds, judged by the simulator's truth: whole afterwards, found in time, no ban broken.

The long form over all faults is ``./run bench continuity``.
"""

import asyncio

import pytest

from benchmarks.continuity import MARKETS, SCENARIOS, play
from benchmarks.inputs.stage import Stage

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
SHORT = ("drop 1 %", "drop 20 %", "repeat 20 %", "reorder 20 %, 0.2 s", "24 h cut, announced", "half open",
         "ban, with drops", "outage")  # fmt: skip
RETRY_S = 10
"""The longest pause between two tries to connect to Binance or Coinbase; what an outage hid is found with the next."""


@pytest.fixture(scope="module")
def played(is_full):
    """Every fault in turn on one stage; rows by name."""
    names = [name for name, _ in SCENARIOS] if is_full else SHORT
    faults = dict(SCENARIOS)

    async def run():
        stage = Stage(MARKETS, rate=20)
        await stage.open()
        try:
            return {name: await play(stage, name, faults[name], seconds=5) for name in names}
        finally:
            await stage.close()

    return asyncio.run(run())


@pytest.mark.parametrize("name", SHORT)
def test_after_a_fault_the_ids_are_those_of_the_truth_and_holes_were_found_within_5_s(played, name):
    row = played[name]
    assert row["trades"] > 100
    assert row["whole after s"] != "-"
    assert (row["wrong ids"], row["lost"]) == (0, 0)
    assert float(row["found within s"]) <= (RETRY_S + 1 if name == "outage" else 5)
    assert row["gaps"] == row["repaired"]


def test_the_faults_did_strike(played):
    silent = {"24 h cut, announced", "half open"}
    assert all(row["struck"] for name, row in played.items() if name not in silent)


def test_a_ban_costs_the_one_request_that_learns_of_it(played):
    assert played["ban, with drops"]["while banned"] <= 1
    assert all(not row["while banned"] for name, row in played.items() if name != "ban, with drops")


def test_a_cut_that_is_announced_leaves_no_gap(played):
    assert played["24 h cut, announced"]["gaps"] == 0
