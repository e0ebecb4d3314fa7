import base64
import hashlib
import struct
from pathlib import Path

from cryptoviz.stack.truststore import PASSWORD, build_truststore, configured_bundle


def pem(*bodies: bytes) -> str:
    blocks = (base64.encodebytes(body).decode() for body in bodies)
    return "".join(f"# a comment\n-----BEGIN CERTIFICATE-----\n{b}-----END CERTIFICATE-----\n" for b in blocks)


def test_every_distinct_certificate_is_kept_once() -> None:
    store = build_truststore(pem(b"one" * 40, b"two" * 40, b"one" * 40))
    assert struct.unpack(">III", store[:12]) == (0xFEEDFEED, 2, 2)
    assert store.count(b"one" * 40) == 1


def test_the_store_is_sealed_with_its_password() -> None:
    store = build_truststore(pem(b"one"))
    sealed = PASSWORD.encode("utf-16-be") + b"Mighty Aphrodite" + store[:-20]
    assert hashlib.sha1(sealed).digest() == store[-20:]  # noqa: S324 - the format's own


def test_a_bundle_counts_only_when_it_exists(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("")
    assert configured_bundle({}) is None
    assert configured_bundle({"SSL_CERT_FILE": "/nowhere", "CURL_CA_BUNDLE": str(bundle)}) == bundle
