import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.exchange_simulator.vendors.sessions import is_open, session_at

TOKEN = {"token": "t"}
KEY = {"X-CMC_PRO_API_KEY": "key"}
OPEN_AT = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


async def ask(simulation, path, status=200, headers=None, **params):
    async with simulation.client.get(path, params=params, headers=headers) as answer:
        assert answer.status == status, await answer.text()
        return await (answer.json() if "json" in answer.content_type else answer.text())


def close(a, b, share=0.01):
    return abs(a / b - 1) < share


def test_all_vendors_and_venues_agree_on_a_price(simulated):
    async def body(simulation):
        venue = float((await ask(simulation, "/api/v3/ticker/price", symbol="BTCUSDT"))["price"])
        gecko = await ask(simulation, "/coingecko/api/v3/simple/price", ids="bitcoin", vs_currencies="usd")
        path = "/coinmarketcap/v1/cryptocurrency/quotes/latest"
        cmc = await ask(simulation, path, headers=KEY, symbol="BTC")
        compare = await ask(simulation, "/cryptocompare/data/price", fsym="BTC", tsyms="USD")
        finnhub = await ask(simulation, "/finnhub/api/v1/quote", symbol="BINANCE:BTCUSDT", **TOKEN)
        said = (gecko["bitcoin"]["usd"], cmc["data"]["BTC"]["quote"]["USD"]["price"], compare["USD"], finnhub["c"])
        assert all(close(price, venue) for price in said)

    simulated(body)


def test_coingecko_ranks_by_value_and_says_how_old_its_figures_are(simulated):
    async def body(simulation):
        spans = {"price_change_percentage": "1h,24h,7d,5y"}
        path = "/coingecko/api/v3/coins/markets"
        rows = await ask(simulation, path, vs_currency="usd", **spans)
        assert [row["market_cap"] for row in rows] == sorted((row["market_cap"] for row in rows), reverse=True)
        assert [row["market_cap_rank"] for row in rows] == [1, 2, 3, 4, 5]
        for row in rows:
            assert row["low_24h"] <= row["current_price"] <= row["high_24h"]
            assert row["price_change_percentage_5y_in_currency"] is None
            change = row["price_change_percentage_24h"]
            assert row["price_change_percentage_24h_in_currency"] == pytest.approx(change, abs=1e-4)
            age = simulation.now / 1000 - datetime.fromisoformat(row["last_updated"]).timestamp()
            assert 0 <= age < 60
        again = await ask(simulation, path, vs_currency="usd", ids="solana", **spans)
        assert [row["id"] for row in again] == ["solana"]
        assert [r["id"] for r in await ask(simulation, path, vs_currency="usd", per_page=2, page=2)] == [
            row["id"] for row in rows[2:4]
        ]
        (ether,) = await ask(simulation, path, vs_currency="btc", ids="ethereum")
        assert 0 < ether["current_price"] < 1

    simulated(body)


def test_figures_stand_still_between_two_refreshes_and_grow_old_on_command(simulated):
    async def body(simulation):
        params = {"ids": "bitcoin", "vs_currencies": "usd", "include_last_updated_at": "true"}
        path = "/coingecko/api/v3/simple/price"
        one = await ask(simulation, path, **params)
        simulation.pass_ms(10_000)
        assert await ask(simulation, path, **params) == one
        simulation.pass_ms(60_000)
        other = await ask(simulation, path, **params)
        assert other["bitcoin"]["last_updated_at"] - one["bitcoin"]["last_updated_at"] == 60
        await simulation.command(kind="stale", venue="coingecko", amount=3600)
        stale = await ask(simulation, path, **params)
        assert simulation.now // 1000 - stale["bitcoin"]["last_updated_at"] >= 3600
        assert (await simulation.get("/sim/state"))["struck"]["stale"] == 1

    simulated(body)


def test_coinmarketcap_wants_a_key_and_names_its_errors_by_number(simulated):
    async def body(simulation):
        path = "/coinmarketcap/v1/cryptocurrency/listings/latest"
        assert (await ask(simulation, path, 401))["status"]["error_code"] == 1002
        wrong = {"X-CMC_PRO_API_KEY": "invalid-1"}
        assert (await ask(simulation, path, 401, headers=wrong))["status"]["error_code"] == 1001
        plan = await ask(simulation, "/coinmarketcap/v1/exchange/info", 403, headers=KEY)
        assert plan["status"]["error_code"] == 1006
        await ask(simulation, path, 400, headers=KEY, convert="XXX")
        rows = (await ask(simulation, path, headers=KEY, limit=3))["data"]
        assert [row["cmc_rank"] for row in rows] == [1, 2, 3]
        second = "/coinmarketcap/v2/cryptocurrency/quotes/latest"
        several = await ask(simulation, second, headers=KEY, symbol="BTC,ETH")
        assert [len(several["data"][symbol]) for symbol in ("BTC", "ETH")] == [1, 1]
        simulation.exchange.rules.coinmarketcap_calls_a_minute = 1
        assert (await ask(simulation, path, 429, headers=KEY))["status"]["error_code"] == 1008

    simulated(body)


def test_cryptocompare_says_its_errors_with_status_200(simulated):
    async def body(simulation):
        for params in ({"fsym": "BTC"}, {"fsym": "NOPE", "tsyms": "USD"}):
            answer = await ask(simulation, "/cryptocompare/data/price", **params)
            assert (answer["Response"], answer["Type"], answer["Data"]) == ("Error", 2, {})
        await simulation.command(kind="rate_limit", venue="cryptocompare")
        limited = await ask(simulation, "/cryptocompare/data/price", fsym="BTC", tsyms="USD")
        assert (limited["Response"], limited["Type"]) == ("Error", 99)
        assert "rate limit" in limited["Message"]

    simulated(body)


@pytest.mark.parametrize("version", ["", "v2/"])
def test_cryptocompare_candles_open_at_the_close_before(simulated, version):
    async def body(simulation):
        path = f"/cryptocompare/data/{version}histohour"
        answer = await ask(simulation, path, fsym="ETH", tsym="USD", limit=10)
        rows = answer["Data"]["Data"] if version else answer["Data"]
        assert len(rows) == 11
        for before, row in itertools.pairwise(rows):
            assert row["time"] - before["time"] == 3600
            assert row["open"] == before["close"]
            assert row["low"] <= min(row["open"], row["close"]) <= max(row["open"], row["close"]) <= row["high"]
        full = await ask(simulation, "/cryptocompare/data/pricemultifull", fsyms="ETH", tsyms="USD,EUR")
        assert close(full["RAW"]["ETH"]["USD"]["PRICE"], rows[-1]["close"])
        assert set(full["RAW"]["ETH"]) == {"USD", "EUR"}

    simulated(body)


def test_finnhub_wants_a_token_and_knows_no_other_symbols(simulated):
    async def body(simulation):
        path = "/finnhub/api/v1/quote"
        assert "API limit reached" in await ask(simulation, path, 429, symbol="AAPL")
        assert await ask(simulation, path, 401, symbol="AAPL", **{**TOKEN, "token": "invalid-1"}) == {
            "error": "Invalid API key"
        }
        zeros = await ask(simulation, path, symbol="NOPE", **TOKEN)
        assert zeros == {"c": 0, "d": None, "dp": None, "h": 0, "l": 0, "o": 0, "pc": 0, "t": 0}
        async with simulation.client.get("/finnhub/ws") as answer:
            assert answer.status == 401
        async with simulation.client.ws_connect("/finnhub/ws?token=t") as socket:
            await socket.send_json({"type": "subscribe", "symbol": "NOPE"})
            assert await socket.receive_json() == {"msg": "Invalid symbol NOPE", "type": "error"}

    simulated(body)


def test_a_quote_is_of_the_session_and_stands_still_while_the_market_is_closed(simulated):
    async def body(simulation):
        path = "/finnhub/api/v1/quote"
        simulation.pass_ms(int(OPEN_AT.timestamp() * 1000) - simulation.now)
        quote = await ask(simulation, path, symbol="AAPL", **TOKEN)
        assert quote["l"] <= quote["c"] <= quote["h"]
        assert quote["d"] == pytest.approx(quote["c"] - quote["pc"])
        assert simulation.now / 1000 - quote["t"] < 60
        simulation.pass_ms(12 * 3_600_000)
        night = await ask(simulation, path, symbol="AAPL", **TOKEN)
        simulation.pass_ms(24 * 3_600_000)
        assert await ask(simulation, path, symbol="AAPL", **TOKEN) == night
        assert datetime.fromtimestamp(night["t"], UTC).hour == 20

    simulated(body)


async def finnhub_trades(simulation, symbol, count):
    async with simulation.client.ws_connect("/finnhub/ws?token=t") as socket:
        await socket.send_json({"type": "subscribe", "symbol": symbol})
        frames = await simulation.frames(socket, count=count, where=lambda f: f["type"] == "trade", step_ms=400)
    return [trade for frame in frames for trade in frame["data"]]


def test_finnhub_repeats_trades_and_lets_time_go_back(simulated):
    async def body(simulation):
        trades = await finnhub_trades(simulation, "BINANCE:BTCUSDT", 60)
        keys = [(t["t"], t["p"], t["v"]) for t in trades]
        assert len(keys) > len(set(keys))
        times = [t["t"] for t in trades]
        assert times != sorted(times)
        truth = simulation.exchange.listed["binance:BTC-USDT"].market.between(min(times), max(times) + 1)
        assert set(times) <= set(truth.times.tolist())

    simulated(body)


def test_stocks_trade_in_their_session_and_are_silent_but_for_pings_at_night(simulated):
    async def body(simulation):
        simulation.pass_ms(int(OPEN_AT.timestamp() * 1000) - simulation.now)
        assert {t["s"] for t in await finnhub_trades(simulation, "AAPL", 5)} == {"AAPL"}
        simulation.pass_ms(12 * 3_600_000)
        async with simulation.client.ws_connect("/finnhub/ws?token=t") as socket:
            await socket.send_json({"type": "subscribe", "symbol": "AAPL"})
            frames = await simulation.frames(socket, count=3, step_ms=30_000)
        assert frames == [{"type": "ping"}] * 3

    simulated(body)


@given(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)))  # noqa: DTZ001 - made aware below
def test_a_session_is_on_a_working_day_and_six_and_a_half_hours_long(moment):
    now = int(moment.replace(tzinfo=UTC).timestamp() * 1000)
    opened, closed = session_at(now)
    assert opened <= now
    assert closed - opened == 6.5 * 3_600_000
    assert datetime.fromtimestamp(opened / 1000, UTC).weekday() < 5
    assert is_open(opened)
    assert not is_open(closed)
    assert now - opened < 4 * 86_400_000


def test_sessions_follow_summer_time():
    def opening(*day):
        return datetime.fromtimestamp(session_at(int(datetime(*day, 18, tzinfo=UTC).timestamp() * 1000))[0] / 1000, UTC)

    assert opening(2026, 7, 1).hour == 13
    assert opening(2026, 12, 1).hour == 14
