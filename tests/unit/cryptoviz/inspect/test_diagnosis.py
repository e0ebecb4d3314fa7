import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from cryptoviz.inspect.diagnosis import _server_time_ms, judge_clock, judge_freshness
from cryptoviz.inspect.tables import TableStatus
from cryptoviz.stack.doctor import Verdict


def table(name, age_s):
    return TableStatus(name=name, rows=1000, hours=1, files=1, bytes=1, last_commit="", age_s=age_s)


@pytest.mark.parametrize(
    ("skew_s", "verdict", "said"),
    [
        (0.2, Verdict.OK, "0.20 s ahead"),
        (-2.0, Verdict.OK, "2.00 s behind"),
        (-2.1, Verdict.WARN, "2.10 s behind"),
        (61, Verdict.FAIL, "61.00 s ahead"),
    ],
)
def test_a_clock_is_judged_by_how_far_the_venues_is_away(skew_s, verdict, said):
    finding = judge_clock(skew_s)
    assert (finding.verdict, bool(finding.fix)) == (verdict, verdict is not Verdict.OK)
    assert said in finding.detail


def test_a_lake_is_fresh_when_its_first_table_grows():
    assert judge_freshness([table("raw_trades", 3), table("ohlc_1h", 4000)]).verdict is Verdict.OK
    stale = judge_freshness([table("raw_trades", 4000), table("ohlc_1h", 3)])
    assert (stale.verdict, bool(stale.fix)) == (Verdict.WARN, True)
    assert judge_freshness([table("ohlc_1h", 3)]).verdict is Verdict.WARN


def test_the_venue_is_asked_for_its_time():
    class Venue(BaseHTTPRequestHandler):
        def do_GET(self):
            assert self.path == "/api/v3/time"
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"serverTime": 1700000000123}')

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Venue) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        assert _server_time_ms(f"http://127.0.0.1:{server.server_port}") == 1700000000123
        thread.join()
