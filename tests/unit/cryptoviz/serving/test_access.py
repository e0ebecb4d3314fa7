import httpx
import pytest
from pydantic import SecretStr

from cryptoviz.serving.access import TokenMissing, require_token
from cryptoviz.serving.parts import Parts


@pytest.fixture
def guarded(settings, live, served, now):
    own = settings.model_copy(update={"serving_token": SecretStr("let-me-in")})
    parts = Parts(settings=own, live=live, clock=lambda: now)
    with served(parts) as address, httpx.Client(base_url=address) as client:
        yield client


@pytest.mark.parametrize("host", ["::", "192.168.1.5", "example.org"])
def test_an_address_others_can_reach_needs_a_token(settings, host):
    open_to_all = settings.model_copy(update={"serving_host": host})
    with pytest.raises(TokenMissing, match="CRYPTOVIZ_SERVING_TOKEN"):
        require_token(open_to_all)
    require_token(open_to_all.model_copy(update={"serving_token": SecretStr("x")}))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_this_machine_needs_none(settings, host):
    require_token(settings.model_copy(update={"serving_host": host}))


def test_a_page_elsewhere_cannot_ask_through_a_name_of_its_own(client):
    assert client.get("/api/v3/ping", headers={"Host": "evil.example"}).status_code == 401
    assert client.get("/api/v3/ping", headers={"Host": "localhost:8700"}).status_code == 200


def test_without_the_token_nothing_but_health_is_told(guarded):
    for path in ("/", "/api/v3/ping", "/openapi.json", "/metrics", "/page/style.css"):
        assert guarded.get(path).status_code == 401
    assert guarded.get("/healthz").status_code == 200


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer", "Basic let-me-in", "Bearer let-me-in2", ""])
def test_another_token_is_refused(guarded, header):
    assert guarded.get("/api/v3/ping", headers={"Authorization": header}).status_code == 401


def test_the_token_opens(guarded):
    assert guarded.get("/api/v3/ping", headers={"Authorization": "Bearer let-me-in"}).status_code == 200


def test_a_link_with_the_token_moves_it_into_a_cookie(guarded):
    moved = guarded.get("/", params={"token": "let-me-in"})
    assert moved.status_code == 303
    assert "token" not in moved.headers["location"]
    assert "HttpOnly" in moved.headers["set-cookie"]
    assert guarded.get("/").status_code == 200


def test_browsers_are_told_to_load_nothing_from_elsewhere(client):
    policy = client.get("/").headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "script-src" not in policy
    assert "unsafe-eval" not in policy
