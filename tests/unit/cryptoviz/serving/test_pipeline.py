"""What the parts of the stack are told to do, asked of themselves."""

from cryptoviz.serving.pipeline import Rates, links
from cryptoviz.serving.services import services
from cryptoviz.settings import Ports, Settings

ALONE = Settings(store="minio", demo=True, ports=Ports(offset=50_000))


def test_a_rate_needs_two_looks_and_is_over_the_last_minute():
    rates = Rates()
    assert rates.told({"trades": 1000}, 0.0) == {}
    assert rates.told({"trades": 1100}, 10.0) == {"trades": 10.0}
    assert rates.told({"trades": 1130}, 65.0) == {"trades": round(30 / 55, 2)}
    assert rates.told({"trades": 9999}, 200.0) == {}


def test_a_topic_that_has_just_come_to_be_has_no_records_yet():
    rates = Rates()
    rates.told({"trades": 1}, 0.0)
    assert rates.told({"trades": 1, "gaps": 7}, 1.0)["gaps"] == 0.0


def test_every_service_that_does_not_answer_says_so():
    found = {one["name"]: one for one in services(ALONE)}
    assert set(found) == {"exchange", "producer", "spark", "dagster", "minio", "kafka", "postgres"}
    assert {one["state"] for one in found.values()} == {"down"}
    assert all(one["detail"] for one in found.values())


def test_links_lead_to_pages_of_the_stack():
    assert set(links(ALONE)) == {"dagster", "spark", "minio", "exchange"}
    assert "minio" not in links(ALONE.model_copy(update={"store": "local"}))
