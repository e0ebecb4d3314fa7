"""Orders of history over HTTP: `POST /history` gives one, `GET /history` tells how all of them stand."""

from collections.abc import Mapping

import msgspec

from streaming.health import Route
from streaming.producer.history import BadOrder, History, Order

_order = msgspec.json.Decoder(Order)


def history_routes(history: History) -> Mapping[tuple[str, str], Route]:
    """Routes for the health server."""

    def give(body: bytes) -> tuple[int, bytes]:
        try:
            progress = history.give(_order.decode(body))
        except (msgspec.DecodeError, BadOrder) as error:
            return 400, msgspec.json.encode({"error": str(error)})
        return 202, msgspec.json.encode(progress)

    def tell(_: bytes) -> tuple[int, bytes]:
        return 200, msgspec.json.encode(history.orders())

    return {("POST", "/history"): give, ("GET", "/history"): tell}
