import shutil
from pathlib import Path

import pytest

from cryptoviz.lake.candle_tables import OHLC_1M
from cryptoviz.lake.locations import Location
from cryptoviz.serving.snapshots import Snapshots, StoreUnavailable


@pytest.fixture
def lake(tmp_path, settings):
    shutil.copytree(settings.lake.uri, tmp_path / "lake")
    return Location(uri=str(tmp_path / "lake"))


def test_the_last_good_state_is_kept_while_the_store_is_away(lake):
    snapshots = Snapshots(lake)
    good = snapshots.latest(OHLC_1M)
    assert good.files
    table = Path(lake.uri) / OHLC_1M.name
    for entry in (table / "_delta_log").glob("*.json"):
        entry.write_text("{broken")
    (table / "_delta_log" / "00000000000000000002.json").write_text("{broken")
    snapshots.refresh()
    kept = snapshots.latest(OHLC_1M)
    assert kept.files == good.files
    assert kept.failure
    assert kept.age_s >= 0


def test_a_store_that_never_answered_has_no_state():
    away = Location(uri="s3://lake", endpoint="http://127.0.0.1:9")
    with pytest.raises(StoreUnavailable, match="does not answer"):
        Snapshots(away).latest(OHLC_1M)
