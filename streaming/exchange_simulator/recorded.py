"""A recorded market: the trades of a recording are the truth, at their own time or moved as a whole.

Understands socket lines of Binance and a REST ``Trades`` body of Kraken. Moving keeps every distance: by whole
milliseconds, so that the digits beyond them stay the venue's.
"""

import gzip
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import msgspec
import numpy as np

from cryptoviz.lake.symbols import Instrument, Venue, from_venue
from streaming.exchange_simulator.market import Listing, Market, Trades

_MS_NS = 1_000_000


class UnknownRecording(ValueError):
    """A file in none of the layouts understood, or without a trade."""


class RecordedMarket(Market):
    """The trades of a recording, in id order."""

    def __init__(self, listing: Listing, trades: Trades) -> None:
        super().__init__(listing)
        self._trades = trades

    @property
    def span_ms(self) -> tuple[int, int]:
        """Times of the first and the last trade."""
        return int(self._trades.times[0]), int(self._trades.times[-1])

    def moved(self, first_ms: int) -> "RecordedMarket":
        """The same market, its first trade at another millisecond."""
        t, shift = self._trades, first_ms - self.span_ms[0]
        return RecordedMarket(self.listing, Trades(t.ids, t.times + shift, t.nanos, t.ticks, t.lots, t.buys, t.limits))

    def last_id(self, time_ms: int) -> int:
        """Id of the last trade before an instant; 0 before the recording."""
        before = int(np.searchsorted(self._trades.times, time_ms))
        return int(self._trades.ids[before - 1]) if before else 0

    def _between(self, start_ms: int, end_ms: int) -> Trades:
        low, high = np.searchsorted(self._trades.times, (start_ms, end_ms))
        return self._trades.where(slice(int(low), int(high)))

    def _from_id(self, first_id: int, limit: int, until_ms: int) -> Trades:
        low = int(np.searchsorted(self._trades.ids, first_id))
        high = int(np.searchsorted(self._trades.times, until_ms))
        return self._trades.where(slice(low, max(low, min(high, low + max(limit, 0)))))


class _Row(msgspec.Struct, frozen=True):
    """A recorded trade: price and quantity in the venue's text, time in nanoseconds."""

    id: int
    time_ns: int
    price: str
    quantity: str
    is_buy: bool
    is_limit: bool = False


class _SocketTrade(msgspec.Struct):
    s: str
    t: int
    p: str
    q: str
    T: int
    m: bool


class _Frame(msgspec.Struct):
    stream: str
    data: msgspec.Raw


class _Body(msgspec.Struct):
    result: dict[str, msgspec.Raw]


class _RestRow(msgspec.Struct, array_like=True):
    price: str
    volume: str
    time: Decimal
    side: str
    kind: str
    misc: str
    trade_id: int


def read_market(path: Path) -> RecordedMarket:
    """The market of a recording. Raises :class:`UnknownRecording` naming the file."""
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    try:
        instrument, rows = _kraken(content) if content.lstrip()[:1] == b"{" else _binance(content)
    except (msgspec.DecodeError, ValueError) as error:
        raise UnknownRecording(
            f"{path.name} is neither socket lines of Binance nor a Kraken Trades body: {error}"
        ) from None
    if not rows:
        raise UnknownRecording(f"{path.name} has no trade")
    return _market(instrument, rows)


def _binance(content: bytes) -> tuple[Instrument, list[_Row]]:
    decode, rows, symbol = msgspec.json.Decoder(_Frame).decode, list[_Row](), ""
    for line in content.splitlines():
        text = line.partition(b" ")[2]
        if b'@trade"' not in text[:64]:
            continue
        m = msgspec.json.decode(decode(text).data, type=_SocketTrade)
        symbol = symbol or m.s
        if m.s == symbol:
            rows.append(_Row(m.t, m.T * _MS_NS, m.p, m.q, not m.m))
    return from_venue(Venue.BINANCE, symbol), rows


def _kraken(content: bytes) -> tuple[Instrument, list[_Row]]:
    result = msgspec.json.decode(content, type=_Body).result
    pair = next(name for name in result if name != "last")
    found = msgspec.json.decode(result[pair], type=list[_RestRow])
    rows = [
        _Row(r.trade_id, int(r.time * 1_000_000_000), r.price, r.volume, r.side == "b", r.kind == "l") for r in found
    ]
    return from_venue(Venue.KRAKEN, pair), rows


def _market(instrument: Instrument, rows: list[_Row]) -> RecordedMarket:
    rows = sorted(rows, key=lambda row: row.id)
    tick_decimals, lot_decimals = _decimals(r.price for r in rows), _decimals(r.quantity for r in rows)
    times = np.array([r.time_ns for r in rows], dtype=np.int64)
    seconds = max(1.0, float(times[-1] - times[0]) / 1e9)
    listing = Listing(
        key=instrument.key, base=instrument.base, price=float(rows[-1].price), tick_decimals=tick_decimals,
        lot_decimals=lot_decimals, rate=len(rows) / seconds, size=float(np.median([float(r.quantity) for r in rows])),
    )  # fmt: skip
    trades = Trades(
        np.array([r.id for r in rows], dtype=np.int64),
        times // _MS_NS,
        times % _MS_NS,
        np.array([int(Decimal(r.price).scaleb(tick_decimals)) for r in rows], dtype=np.int64),
        np.array([int(Decimal(r.quantity).scaleb(lot_decimals)) for r in rows], dtype=np.int64),
        np.array([r.is_buy for r in rows]),
        np.array([r.is_limit for r in rows]),
    )
    return RecordedMarket(listing, trades)


def _decimals(texts: Iterable[str]) -> int:
    return max(len(text.partition(".")[2].rstrip("0")) for text in texts)
