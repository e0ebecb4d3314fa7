"""Services of this package: ``python -m streaming producer|lake|exchange|serving``."""

import importlib
import sys

from cryptoviz.logs import configure
from cryptoviz.settings import SettingsError, load_settings

_SERVICES = {
    "producer": "streaming.producer.service",
    "lake": "streaming.spark.service",
    "exchange": "streaming.exchange_simulator.service",
    "serving": "streaming.live.service",
}


def main(arguments: list[str]) -> int:
    """Run one service and return its exit status; 2 for a wrong call, 78 for settings that cannot be used."""
    if len(arguments) != 1 or arguments[0] not in _SERVICES:
        sys.stderr.write(f"usage: python -m streaming {'|'.join(_SERVICES)}\n")
        return 2
    configure(service=arguments[0])
    try:
        settings = load_settings()
    except SettingsError as error:
        sys.stderr.write(f"error: {error}\n")
        return 78
    return int(importlib.import_module(_SERVICES[arguments[0]]).run(settings))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
