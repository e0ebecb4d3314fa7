from pathlib import Path

import psutil
import pytest

from cryptoviz.stack.errors import AlreadyRunning
from cryptoviz.stack.ownership import own, owner


def test_a_home_has_one_launcher_at_a_time(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with own(lock):
        assert owner(lock) == psutil.Process()
        with pytest.raises(AlreadyRunning, match=rf"pid {psutil.Process().pid}"), own(lock):
            pass
    assert owner(lock) is None
    with own(lock):
        pass


def test_what_a_dead_launcher_wrote_means_nothing(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    lock.write_text('{"pid": 1, "started": 0}')
    assert owner(lock) is None
