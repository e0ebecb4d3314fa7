import json

import pytest

from streaming.feeds.answers import Fate, judge

NOW = 1_660_090_000.0


def fate(status, body, **headers):
    return judge(status, {k.replace("_", "-"): v for k, v in headers.items()}, body, now_s=NOW)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b"[]", Fate.GOOD),
        (200, b'{"error":[],"result":{}}', Fate.GOOD),
        (200, b'{"status":{"error_code":0,"error_message":null},"data":[]}', Fate.GOOD),
        (200, b'{"error":["EAPI:Rate limit exceeded"]}', Fate.LIMITED),
        (200, b'{"error":["EGeneral:Temporary lockout"]}', Fate.LIMITED),
        (200, b'{"error":["EService:Unavailable"]}', Fate.TRY_AGAIN),
        (200, b'{"error":["EQuery:Unknown asset pair"]}', Fate.REFUSED),
        (200, b'{"Response":"Error","Message":"There is no data for the symbol X .","Type":2}', Fate.REFUSED),
        (200, b"<html><body>maintenance</body></html>", Fate.TRY_AGAIN),
        (200, b"", Fate.TRY_AGAIN),
        (200, b'{"result":', Fate.TRY_AGAIN),
        (302, b"", Fate.TRY_AGAIN),
        (400, b'{"code":-1121,"msg":"Invalid symbol."}', Fate.REFUSED),
        (403, b"<html>Request blocked</html>", Fate.BARRED),
        (404, b'{"message":"NotFound"}', Fate.REFUSED),
        (408, b'{"code":-1007,"msg":"Timeout waiting for response"}', Fate.TRY_AGAIN),
        (429, b"{}", Fate.LIMITED),
        (520, b"error code: 520", Fate.TRY_AGAIN),
    ],
)
def test_every_answer_has_the_fate_it_deserves(status, body, expected):
    assert fate(status, body).fate is expected


QUOTED = {
    "binance_418_ip_ban": (Fate.LIMITED, 423.228),
    "binance_418_legacy_2018": (Fate.LIMITED, 120),
    "binance_451_restricted": (Fate.BARRED, 300),
    "cmc_1002_key_missing": (Fate.BARRED, 300),
    "cmc_410_legacy_api_gone": (Fate.REFUSED, 0),
    "coingecko_429": (Fate.LIMITED, 119),
    "cryptocompare_200_rate_limit": (Fate.LIMITED, 60),
    "finnhub_429": (Fate.LIMITED, 60),
    "finnhub_429_empty_token": (Fate.LIMITED, 60),
}


@pytest.mark.parametrize(("name", "expected"), QUOTED.items())
def test_errors_that_people_have_met_are_understood(recordings, name, expected):
    quoted = json.loads((recordings / "api" / "errors_quoted" / f"{name}.json").read_bytes())
    body = quoted["body_text"] if quoted["body"] is None else json.dumps(quoted["body"])
    headers = {key.lower(): value for key, value in quoted["headers"].items()}
    verdict = judge(quoted["status"], headers, body.encode(), now_s=NOW)
    assert verdict.fate is expected[0]
    assert verdict.seconds == pytest.approx(expected[1])
    assert verdict.reason


def test_a_ban_lasts_as_long_as_the_longest_that_is_said():
    body = b'{"code":-1003,"msg":"IP banned until 1660090010000."}'
    assert fate(418, body, retry_after="600").seconds == 600
    assert fate(418, body, retry_after="1").seconds == pytest.approx(10)


def test_a_date_to_retry_after_is_understood():
    assert fate(429, b"", retry_after="Wed, 10 Aug 2022 00:07:00 GMT").seconds == pytest.approx(20, abs=1)
    assert fate(429, b"", retry_after="soon").seconds == 60
