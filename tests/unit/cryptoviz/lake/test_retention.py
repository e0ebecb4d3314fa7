from datetime import timedelta

import pytest

from cryptoviz.lake.retention import parse_retention
from cryptoviz.settings import SettingsError, load_settings


def test_tables_that_nothing_is_computed_from_again_may_be_forgotten():
    assert parse_retention({"raw_trades": timedelta(days=90)}) == {"raw_trades": timedelta(days=90)}


@pytest.mark.parametrize("table", ["trades", "ohlc_1m", "nothing", ""])
def test_tables_that_numbers_stand_on_may_not(table):
    with pytest.raises(ValueError, match="kept for ever"):
        parse_retention({table: timedelta(days=90)})


@pytest.mark.parametrize("kept", [timedelta(days=1), "", "soon"])
def test_times_too_short_or_unreadable_are_refused(kept):
    with pytest.raises(ValueError, match="at least 2 d"):
        parse_retention({"raw_trades": kept})


def test_the_setting_is_written_as_people_write_it(tmp_path, monkeypatch):
    monkeypatch.setenv("CRYPTOVIZ_RETENTION", "raw_trades=90d, duplicates=30d,")
    kept = load_settings(home=tmp_path).retention
    assert kept == {"raw_trades": timedelta(days=90), "duplicates": timedelta(days=30)}
    monkeypatch.setenv("CRYPTOVIZ_RETENTION", "trades=90d")
    with pytest.raises(SettingsError, match=r"CRYPTOVIZ_RETENTION.*trades"):
        load_settings(home=tmp_path)
