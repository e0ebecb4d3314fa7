from pathlib import Path

from cryptoviz.lake.tables import TRADES
from cryptoviz.storage.frames import open_table, read_partition
from cryptoviz.storage.live_files import files_by_span


def run(definitions, instance, job="upkeep"):
    return definitions.resolve_job_def(job).execute_in_process(instance=instance, raise_on_error=False)


def test_crowded_hours_become_one_file_and_no_candle_is_asked_for(
    definitions, instance, orchestra, writer, lake, first, hour_of_trades, clock
):
    for row in hour_of_trades(first, 1):
        writer.commit(row)
    writer.commit(*hour_of_trades(first.next(9), 100))
    writer.commit(*hour_of_trades(first.next(10), 200, count=5))
    clock.move(hours=3)
    versions = lake.hours(TRADES)
    assert run(definitions, instance).success
    assert len(files_by_span(TRADES, open_table(TRADES, lake.location))[first]) == 1
    assert read_partition(TRADES, lake.location, first).height == 60
    assert lake.hours(TRADES) == versions


def test_it_says_in_numbers_what_it_did(definitions, instance, writer, first, hour_of_trades, clock):
    for row in hour_of_trades(first, 1, count=3):
        writer.commit(row)
    clock.move(hours=3)
    result = run(definitions, instance)
    outputs = [e for e in result.all_events if e.event_type_value == "STEP_OUTPUT" and e.step_key == "tend_trades"]
    numbers = {name: value.value for name, value in outputs[0].event_specific_data.metadata.items()}
    assert (numbers["compacted_hours"], numbers["files_before"], numbers["deleted_files"]) == (1, 3, 0)


def test_a_table_that_cannot_be_tended_does_not_keep_the_others_from_it(
    definitions, instance, writer, lake, first, hour_of_trades, clock, monkeypatch
):
    for row in hour_of_trades(first, 1, count=3):
        writer.commit(row)
    clock.move(hours=3)
    log = Path(lake.location.table("quarantine"), "_delta_log")
    log.mkdir(parents=True)
    (log / f"{0:020}.json").write_text("not a log")
    result = run(definitions, instance)
    failed = {event.step_key for event in result.all_events if event.is_step_failure}
    assert failed == {"tend_quarantine"}
    assert len(files_by_span(TRADES, open_table(TRADES, lake.location))[first]) == 1


def test_both_schedules_run_by_themselves_and_give_way(definitions):
    repository = definitions.get_repository_def()
    names = {schedule.name: schedule for schedule in repository.schedule_defs}
    assert {"upkeep_nightly", "storage_budgets_nightly"} <= set(names)
    for name in ("upkeep_nightly", "storage_budgets_nightly"):
        assert names[name].default_status.value == "RUNNING"
        tags = definitions.resolve_job_def(names[name].job.name).tags
        assert (tags["cryptoviz/background"], tags["dagster/priority"]) == ("1", "-10")


def test_budgets_warn_of_hours_the_upkeep_has_left_crowded(definitions, instance, writer, first, hour_of_trades, clock):
    for row in hour_of_trades(first, 1, count=3):
        writer.commit(row)
    clock.move(hours=30)
    before = run(definitions, instance, "storage_budgets_job")
    run(definitions, instance)
    after = run(definitions, instance, "storage_budgets_job")
    assert before.success
    assert verdict(before) == (False, 3)
    assert verdict(after) == (True, 1)


def verdict(result):
    found = [
        evaluation
        for evaluation in result.get_asset_check_evaluations()
        if evaluation.asset_key.to_user_string() == "trades" and evaluation.check_name == "ended_hours_lie_in_one_file"
    ]
    return found[0].passed, found[0].metadata["files"].value
