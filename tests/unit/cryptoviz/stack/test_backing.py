from pathlib import Path

import pytest

from cryptoviz.settings import SettingsError, load_settings
from cryptoviz.stack.backing import backing_of

FOLDER = Path("/home/dagster")
KEYS = {"s3_access_key": "cryptoviz", "s3_secret_key": "not-for-others"}
URL = "postgres://dagster:secret@db.example.com:5432/history"


def backing(tmp_path, **changes):
    return backing_of(load_settings(home=tmp_path, **changes), FOLDER)


def test_a_lake_in_a_folder_keeps_history_and_logs_in_folders(tmp_path):
    made = backing(tmp_path, store="local")
    assert made.storage == {"sqlite": {"base_dir": "/home/dagster/storage"}}
    assert made.compute_logs["class"] == "LocalComputeLogManager"
    assert made.keys == {}


def test_logs_of_runs_lie_beside_the_lake_in_its_bucket(tmp_path):
    made = backing(tmp_path, store="minio", **KEYS)
    config = made.compute_logs["config"]
    assert (made.compute_logs["class"], config["bucket"]) == ("S3ComputeLogManager", "lake")
    assert (config["prefix"], config["endpoint_url"]) == ("_dagster/logs", "http://127.0.0.1:9000")
    assert KEYS["s3_secret_key"] in made.keys.values()
    assert KEYS["s3_secret_key"] not in str(made.compute_logs) + repr(made)


def test_a_bucket_of_aws_needs_neither_endpoint_nor_keys(tmp_path):
    made = backing(tmp_path, store="s3://market/lake/v1", s3_region="eu-central-1")
    config = made.compute_logs["config"]
    assert (config["bucket"], config["prefix"]) == ("market", "lake/v1/_dagster/logs")
    assert "endpoint_url" not in config
    assert made.keys == {"AWS_DEFAULT_REGION": "eu-central-1"}


def test_history_may_lie_in_postgresql_whose_address_is_in_no_file_that_others_read(tmp_path):
    made = backing(tmp_path, store="local", dagster_storage=URL)
    (variable,) = made.keys
    assert made.storage == {"postgres": {"postgres_url": {"env": variable}}}
    assert made.keys[variable] == "postgresql+psycopg2://dagster:secret@db.example.com:5432/history"


@pytest.mark.parametrize("url", ["mysql://u:hidden@h/d", "postgres://u:hidden@h", "hidden"])
def test_another_database_is_refused_without_showing_what_may_be_a_password(tmp_path, url):
    with pytest.raises(SettingsError, match="CRYPTOVIZ_DAGSTER_STORAGE") as refused:
        load_settings(home=tmp_path, dagster_storage=url)
    assert "hidden" not in str(refused.value)
