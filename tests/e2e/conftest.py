"""Spark for tests that fold with it."""

import pytest

from cryptoviz.settings import load_settings
from cryptoviz.stack.java import find_java, shim_home
from cryptoviz_dagster.defs.maintenance.rebuild import SparkCluster, spark_config


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Sessions on this machine, with the Java that the launcher finds."""
    settings = load_settings(home=tmp_path_factory.mktemp("spark"), spark_master="local[2]")
    cache = settings.cache.expanduser()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAVA_HOME", str(shim_home(find_java(cache), cache)))
        yield SparkCluster(spark_config(settings))
