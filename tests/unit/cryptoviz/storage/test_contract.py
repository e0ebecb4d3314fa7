from dataclasses import replace

import pytest

from cryptoviz.lake.candle_tables import OHLC_1H
from cryptoviz.lake.locations import Location
from cryptoviz.lake.schema import Column, Type
from cryptoviz.storage.contract import ContractBroken
from cryptoviz.storage.delta import LakeTable


@pytest.fixture
def lake(tmp_path):
    return Location(uri=str(tmp_path))


def with_columns(*columns):
    return replace(OHLC_1H, columns=columns)


def names(lake):
    return {field.name for field in LakeTable(OHLC_1H, lake).delta.schema().fields}


def test_a_column_that_may_be_null_is_added_to_a_table_that_lacks_it(lake):
    LakeTable(with_columns(*(c for c in OHLC_1H.columns if c.name != "vwap")), lake)
    assert "vwap" in names(lake)
    assert "vwap" in names(lake)


def test_a_table_that_lacks_a_column_that_is_never_null_is_refused(lake):
    LakeTable(with_columns(*(c for c in OHLC_1H.columns if c.name != "volume")), lake)
    with pytest.raises(ContractBroken, match=r"ohlc_1h at .* lacks volume; start a new lake"):
        LakeTable(OHLC_1H, lake)


def test_a_column_of_another_type_is_refused(lake):
    LakeTable(with_columns(*(replace(c, type=Type.STRING) if c.name == "volume" else c for c in OHLC_1H.columns)), lake)
    with pytest.raises(ContractBroken, match="has volume as"):
        LakeTable(OHLC_1H, lake)


def test_a_column_that_nobody_knows_is_refused(lake):
    LakeTable(with_columns(*OHLC_1H.columns, Column("mood", Type.STRING, "Of the market", nullable=True)), lake)
    with pytest.raises(ContractBroken, match="has mood, which is unknown"):
        LakeTable(OHLC_1H, lake)
