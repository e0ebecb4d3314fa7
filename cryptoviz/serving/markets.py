"""Which markets there are, by every spelling a client may use: ``BTCUSDT``, ``BTC-USDT``, ``binance:BTC-USDT``."""

from collections.abc import Iterable, Iterator

from cryptoviz.lake.symbols import Instrument, UnknownSymbol, parse_instrument
from cryptoviz.serving.errors import InvalidSymbol


class Markets:
    """Markets of the settings and those met in the lake or on the wire. Of two venues the first one named wins."""

    def __init__(self, instruments: Iterable[Instrument]) -> None:
        self._by_spelling: dict[str, Instrument] = {}
        self._all: dict[Instrument, None] = {}
        for instrument in instruments:
            self.add(instrument)

    def __iter__(self) -> Iterator[Instrument]:
        return iter(list(self._all))

    def add(self, instrument: Instrument) -> None:
        """Know a market; one already known keeps its place."""
        self._all.setdefault(instrument)
        self._by_spelling.setdefault(spelling(instrument), instrument)
        self._by_spelling.setdefault(instrument.symbol, instrument)

    def listed(self) -> list[Instrument]:
        """One market for each compact spelling."""
        return [instrument for instrument in self._all if self._by_spelling[spelling(instrument)] == instrument]

    def find(self, symbol: str, venue: str = "") -> Instrument:
        """The market of a spelling, on a venue when one is named. Raises :class:`InvalidSymbol`."""
        name = symbol.upper()
        if ":" in symbol:
            head, _, name = name.partition(":")
            venue = head.lower()
        if not venue:
            found = self._by_spelling.get(name)
        else:
            found = next((i for i in self._all if i.venue == venue and name in {spelling(i), i.symbol}), None)
        if found is None:
            raise InvalidSymbol
        return found


def spelling(instrument: Instrument) -> str:
    """``BTCUSDT``: as Binance writes a market."""
    return instrument.base + instrument.quote


def market_of(venue: str, symbol: str) -> Instrument | None:
    """The market of a row of the lake; None when the contract knows no such venue or spelling."""
    try:
        return parse_instrument(f"{venue}:{symbol}")
    except UnknownSymbol:
        return None
