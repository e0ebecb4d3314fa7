"""The floor of a producer: a loop of websockets and confluent-kafka that hands on what it hears, and nothing else.

``python -m benchmarks.inputs.bare_producer ADDRESS BOOTSTRAP TOPIC SYMBOLS``. No ids are compared, nothing is fetched,
no restart goes on: what is dropped is lost, what is repeated is doubled.
"""

import asyncio
import json
import sys

from confluent_kafka import Producer
from websockets.asyncio.client import connect


async def run(address: str, bootstrap: str, topic: str, symbols: list[str]) -> None:
    """Until killed."""
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 20,
                         "compression.type": "lz4"})  # fmt: skip
    async with connect(address, max_size=32 << 20) as socket:
        await socket.send(
            json.dumps({"method": "SUBSCRIBE", "params": [f"{s.lower()}@trade" for s in symbols], "id": 1})
        )
        async for frame in socket:
            said = json.loads(frame)
            if "data" in said:
                producer.produce(topic, key=said["data"]["s"], value=frame)
                producer.poll(0)


if __name__ == "__main__":
    asyncio.run(run(*sys.argv[1:4], sys.argv[4].split(",")))
