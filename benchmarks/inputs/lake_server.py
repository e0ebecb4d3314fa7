"""``python -m benchmarks.inputs.lake_server PORT LAKE``: the server over a lake, its feed two trades a second."""

import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import uvicorn

from benchmarks.inputs.markets import MARKETS
from benchmarks.inputs.random_feed import RandomFeed
from cryptoviz.serving.app import create_app
from cryptoviz.serving.live import Live
from cryptoviz.serving.parts import Parts
from cryptoviz.settings import Settings


def main(port: int, lake: str) -> None:
    """Serve until told to end."""
    live = Live(listening_since=datetime.now(UTC) - timedelta(minutes=2))
    parts = Parts(settings=Settings(store="local", lake_uri=lake, instruments=MARKETS), live=live)
    feed = RandomFeed(live, {MARKETS[0]: Decimal(60_000)}, trades_per_s=2)
    app = create_app(parts, background=feed.run)
    uvicorn.run(app, port=port, log_level="warning", access_log=False, loop="uvloop", http="httptools", backlog=4096)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
