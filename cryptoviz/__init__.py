"""cryptoviz: a market-data lakehouse that can prove its numbers.

``import cryptoviz`` is the Python client: :func:`cryptoviz.candles` and :func:`cryptoviz.connect`. It loads nothing
else until one of them is used.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptoviz.client import candles, connect

__all__ = ["candles", "connect"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from cryptoviz import client  # noqa: PLC0415 - Polars and DuckDB wait until they are needed

    return getattr(client, name)
