"""A Java truststore from the PEM bundle the environment names.

The Java wheel brings its own certificate authorities and does not look at ``SSL_CERT_FILE``; behind a proxy that
inspects TLS it would trust nobody. Format: JKS version 2, trusted certificate entries only
(sun.security.provider.JavaKeyStore).
"""

import base64
import hashlib
import re
import struct
from collections.abc import Mapping
from pathlib import Path

PASSWORD = "changeit"  # noqa: S105 - the customary one of a truststore; it holds no secret
BUNDLE_VARIABLES = ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE")

_MAGIC, _VERSION, _TRUSTED = 0xFEEDFEED, 2, 2
_CERTIFICATE = re.compile(r"-----BEGIN (?:TRUSTED )?CERTIFICATE-----(.+?)-----END", re.DOTALL)


def configured_bundle(environment: Mapping[str, str]) -> Path | None:
    """The PEM bundle that the environment names, None when it names none that exists."""
    named = (environment.get(variable, "") for variable in BUNDLE_VARIABLES)
    return next((Path(name) for name in named if name and Path(name).is_file()), None)


def build_truststore(pem: str) -> bytes:
    """JKS bytes with every distinct certificate of a PEM bundle."""
    found = dict.fromkeys(base64.b64decode(body) for body in _CERTIFICATE.findall(pem))
    parts = [struct.pack(">III", _MAGIC, _VERSION, len(found))]
    for number, certificate in enumerate(found):
        parts += [struct.pack(">I", _TRUSTED), _text(f"ca{number}"), struct.pack(">Q", 0), _text("X.509")]
        parts += [struct.pack(">I", len(certificate)), certificate]
    body = b"".join(parts)
    seal = hashlib.sha1(PASSWORD.encode("utf-16-be") + b"Mighty Aphrodite" + body)  # noqa: S324 - the format's own
    return body + seal.digest()


def _text(value: str) -> bytes:
    return struct.pack(">H", len(value)) + value.encode("ascii")
