from cryptoviz.lake.forecast_tables import FORECAST_TABLES
from cryptoviz.storage.frames import scan


def test_models_and_forecasts_come_by_themselves_from_history_and_sealed_hours(forecasts, with_history):
    keys = forecasts.settle()
    print(keys)
    for table in FORECAST_TABLES:
        rows = scan(table, with_history).collect()
        print(table.name, rows.height)
        print(rows.head(3))
    assert 0
