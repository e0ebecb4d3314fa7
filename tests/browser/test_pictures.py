"""Pictures for the documentation, of a running page."""

import os
import subprocess
import sys

import pytest

from cryptoviz.inspect.pictures import LOOKS, take_pictures

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def test_a_picture_of_a_tab_is_small_enough_to_live_beside_the_text(site, tmp_path):
    phone = next(look for look in LOOKS if look.name == "phone")
    (made,) = take_pictures(site.address, tmp_path, tabs=["quality"], looks=[phone])
    assert made.name == "quality-phone.png"
    assert made.read_bytes().startswith(b"\x89PNG")
    assert 5_000 < made.stat().st_size < 250_000


def test_without_a_page_it_is_said_what_to_start(tmp_path):
    command = [sys.executable, "-m", "cryptoviz.cli.main", "docs", "pictures", "--to", str(tmp_path)]
    environment = {**os.environ, "CRYPTOVIZ_PORT_OFFSET": "50000", "CRYPTOVIZ_HOME": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "./run demo" in done.stderr
    assert "Traceback" not in done.stderr
