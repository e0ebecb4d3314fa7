from pathlib import Path

import yaml

from cryptoviz_dagster.lanes import BACKGROUND, BACKLOG, FOLLOWING

INSTANCE = Path(__file__).parents[3] / "infra" / "dagster" / "dagster.yaml"


def test_when_every_lane_is_taken_the_chain_of_the_live_hour_still_finds_a_place():
    runs = yaml.safe_load(INSTANCE.read_text())["concurrency"]["runs"]
    limits = {rule["key"]: rule["limit"] for rule in runs["tag_concurrency_limits"] if "value" not in rule}
    lanes = {key for tags in (BACKGROUND, BACKLOG, FOLLOWING) for key in tags if key.startswith("cryptoviz/")}
    assert set(limits) == lanes | {"dagster/backfill"}
    assert runs["max_concurrent_runs"] > sum(limits.values())
