"""Readers of an Open Data Center: many connections that ask at once and keep the times."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections import defaultdict
from time import perf_counter
from urllib.parse import urlsplit

import uvloop

from bench.hydrophones import COLLECTION, record, stream_name

Times = dict[str, list[float]]


def addresses(dice: random.Random, records: int, streams: int) -> tuple[str, str]:
    """Return what a reader asks for next: the kind of page and its address."""
    one = record(dice.randrange(records), streams)
    begin = one["coverage"]["temporal"]["start"]
    kinds = {
        "record": f"/api/resources/{one['kid']}",
        "page of a record": f"/resources/{one['kid']}",
        "list": f"/api/resources?limit=50&sort={dice.choice(['identifier', 'newest'])}",
        "list of a stream": f"/api/resources?stream={one['stream']}&limit=50",
        "list by words": f"/api/resources?q=hydrophone+{dice.randrange(streams)}&limit=50",
        "list by common words": "/api/resources?q=spectrum+arca&limit=50",
        "list of a collection": f"/api/resources?collection={COLLECTION}&limit=50",
        "list from a time on": f"/api/resources?since={begin}&sort=earliest-data&limit=50",
        "list of the latest of each": "/api/resources?latest=true&sort=newest&limit=50",
        "list by position": f"/api/resources?ra={dice.uniform(0, 360):.3f}&dec=-30&limit=50",
        "page of the list": f"/resources?stream={one['stream']}",
        "page of all": "/resources",
        "page of streams": "/streams",
        "collection": f"/api/collections/{COLLECTION}",
        "page of a collection": f"/collections/{COLLECTION}",
        "versions": f"/api/resources/{one['kid']}/versions",
        "stream": f"/api/streams/{stream_name(dice.randrange(streams))}",
        "page of a stream": f"/streams/{stream_name(dice.randrange(streams))}",
        "front page": "/",
    }
    return dice.choice(list(kinds.items()))


async def read(host: str, port: int, address: str, streams: tuple[object, object]) -> int:
    """Ask for a page over an open connection; return its status."""
    reader, writer = streams
    assert isinstance(reader, asyncio.StreamReader)
    assert isinstance(writer, asyncio.StreamWriter)
    writer.write(f"GET {address} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = next(
        int(line.split(":")[1]) for line in head.split("\r\n") if line.startswith("content-length:")
    )
    await reader.readexactly(length)
    return int(head.split()[1])


async def reader(url: str, seed: int, records: int, streams: int, until: float, rest: float,
                 times: Times, failures: list[str]) -> None:  # fmt: skip
    dice = random.Random(seed)  # noqa: S311 - not for secrets
    place = urlsplit(url)
    host, port = place.hostname or "", place.port or 80
    connection = await asyncio.open_connection(host, port)
    await asyncio.sleep(dice.random() * rest)
    while perf_counter() < until:
        kind, address = addresses(dice, records, streams)
        began = perf_counter()
        status = await read(host, port, address, connection)
        times[kind].append(perf_counter() - began)
        if status != 200:
            failures.append(f"{status} {address}")
        await asyncio.sleep(dice.random() * 2 * rest)
    connection[1].close()


async def run(url: str, readers: int, records: int, streams: int, seconds: float, rest: float
              ) -> tuple[Times, list[str]]:  # fmt: skip
    times: Times = defaultdict(list)
    failures: list[str] = []
    until = perf_counter() + seconds
    await asyncio.gather(
        *(reader(url, n, records, streams, until, rest, times, failures) for n in range(readers))
    )
    return times, failures


if __name__ == "__main__":
    url, *numbers = sys.argv[1:]
    readers, records, streams = map(int, numbers[:3])
    found = uvloop.run(run(url, readers, records, streams, float(numbers[3]), float(numbers[4])))
    json.dump(found, sys.stdout)
