"""Which model a forecast uses: a function of its hour. What was trained later can never be chosen."""

from datetime import timedelta

from cryptoviz.forecasting.issue import Models
from cryptoviz.forecasting.model_file import decode_lstm, decode_volatility
from cryptoviz.lake.days import Day
from cryptoviz.lake.forecast_tables import CALIBRATION, LSTM_MODEL, VOL_MODEL
from cryptoviz.lake.hours import Hour
from cryptoviz.storage.frames import read_partition
from cryptoviz_dagster.forecasts.model_store import TRAINED, ModelStore
from cryptoviz_dagster.resources import Lake
from cryptoviz_dagster.transforms.volatility_training import widths_of

WEEK = timedelta(days=7)


def volatility_day(hour: Hour) -> Day:
    """The day whose volatility model and calibration an hour uses: the day before the hour's own."""
    return Day.containing(hour.start).next(-1)


def lstm_week(hour: Hour) -> Day:
    """The Monday of the week whose LSTM an hour uses: the week before the hour's own."""
    return monday(Day.containing(hour.start)).next(-7)


def monday(day: Day) -> Day:
    """The first day of the week of a day."""
    return day.next(-day.date.weekday())


def models_of(lake: Lake, hour: Hour) -> Models:
    """The models and calibration of an hour, absent ones as None. Raises ``BrokenModel`` for damaged weights."""
    day, week = volatility_day(hour), lstm_week(hour)
    volatility, lstm = ModelStore(lake, VOL_MODEL), ModelStore(lake, LSTM_MODEL)
    regression, network = volatility.find(day), lstm.find(week)
    has_regression = regression is not None and regression.status == TRAINED
    has_network = network is not None and network.status == TRAINED
    return Models(
        volatility=volatility.load(regression, decode_volatility) if regression and has_regression else None,
        volatility_version=regression.version if regression else "",
        lstm=lstm.load(network, decode_lstm) if network and has_network else None,
        lstm_version=network.version if network else "",
        widths=widths_of(read_partition(CALIBRATION, lake.location, day)),
    )
