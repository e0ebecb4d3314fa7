import hashlib
import inspect
import re

from cryptoviz.lake.gaps import Cause, GapState
from cryptoviz.serving import alerts, services
from cryptoviz.serving.pages import load_pages

PAGES = load_pages()
OWN = {
    name: page.content.decode()
    for name, page in PAGES.items()
    if name.endswith((".js", ".css", ".html")) and "vendor" not in name
}
EN, FR = (re.search(rf"const {name} = \{{(.*?)\n\}}", OWN["js/words.js"], re.DOTALL)[1] for name in ("EN", "FR"))


def keys(block):
    return set(re.findall(r"(?:^|[,{\s])(\w+): ['\"]", block))


def test_every_file_that_is_named_exists():
    named = {path for text in OWN.values() for path in re.findall(r"/page/([\w./-]+\.\w+)", text)}
    named |= {f"js/{name}" for text in OWN.values() for name in re.findall(r"from '\./([\w.]+)'", text)}
    assert named <= set(PAGES)


def test_nothing_is_loaded_from_elsewhere():
    for name, text in OWN.items():
        for address in re.findall(r"https?://[^\s'\"<]+", text):
            assert address.startswith(("https://www.tradingview.com/", "http://www.w3.org/2000/svg")), (name, address)


def test_no_text_becomes_markup():
    assert not [name for name, text in OWN.items() if "innerHTML" in text or "insertAdjacentHTML" in text]


def test_everything_is_said_in_both_languages():
    assert keys(EN) == keys(FR)
    asked = {key for text in OWN.values() for key in re.findall(r"\bt\('(\w+)'", text)}
    asked |= set(re.findall(r'data-(?:t|label)="(\w+)"', OWN["index.html"]))
    assert asked <= keys(EN)


def test_vendored_files_are_the_ones_on_record():
    record = PAGES["vendor/SHA256SUMS.txt"].content.decode().split("\n")
    for line in filter(None, record):
        digest, name = line.split()
        assert hashlib.sha256(PAGES[f"vendor/{name}"].content).hexdigest() == digest


def test_files_are_sent_compressed_and_once(client):
    first = client.get("/page/vendor/lightweight-charts.js", headers={"Accept-Encoding": "gzip"})
    assert first.headers["content-encoding"] == "gzip"
    again = client.get("/page/vendor/lightweight-charts.js", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304


def test_a_path_out_of_the_page_is_not_found(client):
    for path in ("/page/../app.py", "/page/%2e%2e/app.py", "/page//etc/passwd", "/page/js"):
        assert client.get(path).status_code == 404


def test_every_rule_cause_and_fate_has_its_sentence():
    text = "".join(inspect.getsource(module) for module in (alerts, services))
    rules = set(re.findall(r'rule="(\w+)"', text)) | {f"service_{state}" for state in ("down", "unready")}
    said = {f"alert_{rule}" for rule in rules} | {f"alert_gap_{cause}" for cause in Cause}
    said |= {f"cause_{cause}" for cause in Cause} | {f"fate_{state}" for state in GapState}
    said |= {f"{kind}_{status}" for kind in ("why", "fate") for status in ("blind", "halted", "absent")}
    assert said <= keys(EN)
