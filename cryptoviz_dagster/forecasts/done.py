"""Days and weeks that have their models, read from the logs of the tables: what the sensor compares with the clock."""

from datetime import date

import pyarrow as pa

from cryptoviz.lake.days import Day
from cryptoviz.lake.forecast_tables import CALIBRATION, LSTM_MODEL, VOL_MODEL
from cryptoviz.lake.schema import DAY_COLUMNS, Table
from cryptoviz.storage.delta import LakeTable
from cryptoviz_dagster.forecasts.model_store import TRAINED
from cryptoviz_dagster.resources import Lake


class DoneDays:
    """Reads the logs; a quiet look costs no file."""

    def __init__(self, lake: Lake) -> None:
        self._tables = {table: LakeTable(table, lake.location) for table in (VOL_MODEL, CALIBRATION, LSTM_MODEL)}

    def days(self) -> set[Day]:
        """Days whose volatility model was tried and, where there is one, calibrated."""
        calibrated = set(self._statuses(CALIBRATION))
        return {d for d, status in self._statuses(VOL_MODEL).items() if status != TRAINED or d in calibrated}

    def weeks(self) -> set[Day]:
        """Mondays of weeks whose LSTM was tried."""
        return set(self._statuses(LSTM_MODEL))

    def _statuses(self, table: Table) -> dict[Day, str]:
        opened = self._tables[table]
        opened.refresh()
        actions = pa.table(opened.delta.get_add_actions(flatten=True))
        names = [f"partition.{name}" for name in DAY_COLUMNS]
        wanted = [*names, *({"min.status"} & set(actions.column_names))]
        return {
            Day(date(*(int(file[name]) for name in names))): file.get("min.status") or ""
            for file in actions.select(wanted).to_pylist()
        }
