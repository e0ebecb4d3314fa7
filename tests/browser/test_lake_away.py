"""MinIO killed or stopped in its tracks while the page is open: last good data with its age, recovery by itself."""

import signal
import time
from datetime import UTC, datetime, timedelta

import httpx
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

LIVE = "() => window.cv?.state === 'live' && window.cv.chart?.grid.length > 100"
AWAY = "() => document.getElementById('banner').textContent.includes('The lake does not answer')"
BACK = "() => document.getElementById('banner').hidden"
PROMPT_S = 3.0


class Asked:
    """The interface of a site, asked by somebody who does not wait long."""

    def __init__(self, client):
        self._client = client

    def candles(self, **query):
        return self._client.get("/api/v1/candles", params={"symbol": "BTC-USDT", "limit": 50, **query})

    def old(self):
        """Candles of a day that nobody has asked for yet."""
        day = datetime.now(UTC) - timedelta(days=4)
        return self.candles(start=f"{day:%Y-%m-%dT%H:%M}", end=f"{day + timedelta(hours=1):%Y-%m-%dT%H:%M}")

    def get(self, path):
        return self._client.get(path)

    def silences(self):
        """Whether each alert that the lake is silent is still firing."""
        rows = self.get("/api/v1/alerts").json()["data"]
        return [row["ended_time"] is None for row in rows if row["rule"] == "lake_silent"]


@pytest.fixture
def asked(site_on):
    with httpx.Client(base_url=site_on.address, timeout=PROMPT_S) as client:
        yield Asked(client)


def eventually(truth, timeout_s):
    deadline = time.monotonic() + timeout_s
    while not truth():
        assert time.monotonic() < deadline, truth
        time.sleep(0.1)


def test_a_killed_store_is_told_with_the_age_of_what_is_shown_and_recovers(site_on, object_store, visit_to, asked):
    one = visit_to(site_on)
    page = one.open()
    one.wait(LIVE, 30)
    object_store.kill()
    one.wait(AWAY, 6)
    assert page.evaluate("() => cv.state") == "live"
    before = page.text_content("#price")
    one.wait(f"() => document.getElementById('price').textContent !== {before!r}", 10)

    held = asked.candles()
    assert held.status_code == 200
    assert len(held.json()["data"]) == 50
    assert held.json()["meta"]["degraded"]
    assert held.json()["meta"]["age_s"] > 0
    assert asked.get("/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=100").status_code == 200
    for missing in (asked.old(), asked.get("/api/v1/tables/trades"), asked.get("/readyz")):
        assert missing.status_code == 503, missing.text
        assert "does not answer" in missing.text
    eventually(lambda: asked.silences() == [True], 10)

    object_store.start()
    one.wait(BACK, 10)
    eventually(lambda: asked.old().status_code == 200, 5)
    assert asked.candles().json()["meta"]["degraded"] == ""
    eventually(lambda: asked.silences() == [False], 10)
    assert asked.get("/readyz").status_code == 200


def test_a_store_that_hangs_is_told_by_its_silence_and_nobody_waits_for_it(site_on, object_store, visit_to, asked):
    one = visit_to(site_on)
    one.open()
    one.wait(LIVE, 30)
    object_store.process.send_signal(signal.SIGSTOP)
    assert asked.candles().status_code == 200
    one.wait(AWAY, 25)
    refused = asked.old()
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert asked.candles().json()["meta"]["degraded"].startswith("no answer for")
    object_store.process.send_signal(signal.SIGCONT)
    one.wait(BACK, 40)
    eventually(lambda: asked.old().status_code == 200, 10)
