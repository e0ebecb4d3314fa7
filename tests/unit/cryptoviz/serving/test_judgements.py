"""Earlier forecasts beside what came, gaps in trade ids, and how much of a day is known."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from benchmarks.inputs.candle_lake import write_candles
from benchmarks.inputs.judged_lake import write_gaps, write_judgements
from cryptoviz.lake.symbols import Instrument, Venue
from cryptoviz.serving.forecast import forecast_history
from cryptoviz.serving.live import Live
from cryptoviz.serving.parts import Parts
from cryptoviz.settings import Settings

NOW = datetime(2026, 11, 20, 10, 20, tzinfo=UTC)
BTC = Instrument(Venue.BINANCE, "BTC-USDT")


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    settings = Settings(store="local", lake_uri=str(tmp_path_factory.mktemp("lake")), instruments=(BTC,))
    write_candles(settings.lake, [BTC], end=NOW, days=0.4)
    write_judgements(settings.lake, BTC, now=NOW)
    write_gaps(settings.lake, BTC, now=NOW)
    return Parts(settings=settings, live=Live(listening_since=NOW), clock=lambda: NOW)


def test_each_past_hour_has_what_was_forecast_for_it_and_the_close_that_came(parts):
    found, model = forecast_history(parts, BTC, "", horizon=3, hours=48)
    assert model == "ewma"
    assert (found["target_time"] - found["issued_time"]).unique().to_list() == [timedelta(hours=3)]
    came = found.filter(pl.col("actual_price").is_not_null())
    inside = came["actual_price"].is_between(came["p10"], came["p90"])
    assert came.height >= 3
    assert came["is_in_80"].to_list() == inside.to_list()
    assert came["target_time"].max() <= NOW < found["target_time"].max()


def test_a_model_without_forecasts_has_no_history(parts):
    found, model = forecast_history(parts, BTC, "nobody", horizon=1, hours=48)
    assert (found.height, model) == (0, "nobody")


def test_a_horizon_beyond_a_day_is_refused(client):
    answer = client.get("/api/v1/forecast-history", params={"symbol": "BTC-USDT", "horizon": 25})
    assert (answer.status_code, answer.json()["code"]) == (400, -1130)


def test_of_a_gap_in_the_ids_the_last_state_is_told(client):
    rows = client.get("/api/v1/gaps", params={"kind": "ids"}).json()["data"]
    assert [(row["first_id"], row["ids"], row["state"], row["cause"]) for row in rows] == [
        (100, 42, "repaired", "reconnect"), (900, 42, "unrecoverable", "hole")
    ]  # fmt: skip


def test_a_day_of_which_less_is_known_says_since_when(client):
    ticker = client.get("/api/v1/tickers").json()["data"][0]
    since = datetime.fromtimestamp(ticker["since"] / 1000, UTC)
    assert timedelta(hours=9) < NOW - since < timedelta(hours=10)
