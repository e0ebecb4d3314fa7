import dagster as dg
import pytest


@pytest.fixture
def tick(definitions, instance):
    sensor = definitions.get_repository_def().get_sensor_def("checks_changed")

    def evaluate(cursor=None):
        resources = dict(definitions.resources or {})
        with dg.build_sensor_context(
            instance=instance, definitions=definitions, resources=resources, cursor=cursor
        ) as context:
            return sensor.evaluate_tick(context)

    return evaluate


KEY = dg.AssetCheckKey(dg.AssetKey("ohlc_1m"), "candles_hold_every_trade")


def test_a_failed_check_is_an_observation_of_its_asset_and_partition(tick, check_says, first):
    check_says(KEY, first.key, passed=False, description="3 trades short")
    result = tick()
    (event,) = result.asset_events
    assert (event.asset_key, event.partition) == (dg.AssetKey("ohlc_1m"), first.key)
    assert event.metadata["state"].value == "failed"
    assert "3 trades short" in event.description
    again = tick(result.cursor)
    assert again.asset_events == []
    assert "1 checks fail" in again.skip_message


def test_its_recovery_is_told_too(tick, check_says, first):
    check_says(KEY, first.key, passed=False, description="3 trades short")
    cursor = tick().cursor
    check_says(KEY, first.key, passed=True)
    (event,) = tick(cursor).asset_events
    assert event.metadata["state"].value == "recovered"


def test_a_quiet_tick_says_so_and_asks_for_no_run(tick):
    result = tick()
    assert result.run_requests == []
    assert "0 checks fail" in result.skip_message
