"""Killing the service while it registers and receives files, and looking at what is left."""

from __future__ import annotations

import hashlib
import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import sleep

import httpx

from vopub.model.resource import FileReference, KM3OpenResource
from vopub.odc.keeping import Verdict, examine

from .conftest import TOKEN, Server, make_record, start

MEDIA = "application/octet-stream"


@dataclass
class Writer:
    """Writes records with files as fast as it can, until the server is gone.

    Parameters
    ----------
    url
        Of the server.
    dice
        What is written.
    names
        A number for each resource.
    """

    url: str
    dice: random.Random
    names: Iterator[int]
    acknowledged: dict[str, tuple[KM3OpenResource, bytes]] = field(default_factory=dict)

    def run(self) -> None:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with httpx.Client(base_url=self.url, headers=headers, trust_env=False) as http:
            try:
                while True:
                    self._write(http)
            except httpx.HTTPError:
                return  # it was killed

    def _write(self, http: httpx.Client) -> None:
        content = self.dice.randbytes(self.dice.choice([10, 3000, 3_000_000]))
        digest = hashlib.sha256(content).hexdigest()
        file = FileReference(name="data.h5", media_type=MEDIA, size=len(content), sha256=digest)
        record = make_record(version=f"1.{next(self.names)}", files=[], services=())
        record = record.model_copy(update={"files": (file,)})
        address = f"/files/{record.kid}/{file.name}"
        answer = http.put(address, content=content, headers={"X-Checksum-SHA256": digest})
        assert answer.status_code == 201, answer.text
        body = record.model_dump_json()
        answer = http.put(f"/api/resources/{record.kid}", content=body)
        assert answer.status_code == 201, answer.text
        self.acknowledged[str(record.kid)] = (record, content)


def kill_while_writing(
    directory: Path, dice: random.Random, names: Iterator[int], *options: str, most: float = 0.8
) -> dict[str, tuple[KM3OpenResource, bytes]]:
    """Kill a server within so many seconds of writing; return what it had acknowledged."""
    server: Server = start(directory, *options)
    writers = [Writer(server.url, random.Random(dice.random()), names) for _ in range(2)]  # noqa: S311
    threads = [threading.Thread(target=writer.run) for writer in writers]
    for thread in threads:
        thread.start()
    waited = 0
    while not any(writer.acknowledged for writer in writers) and waited < 600:
        sleep(0.05)  # starting takes its time; from now on each moment is as good as another
        waited += 1
    sleep(dice.random() * most)
    server.kill()
    for thread in threads:
        thread.join()
    return {kid: kept for writer in writers for kid, kept in writer.acknowledged.items()}


def check_whole(
    directory: Path, acknowledged: dict[str, tuple[KM3OpenResource, bytes]], *options: str,
    database: str = "",
) -> int:  # fmt: skip
    """Look whether everything acknowledged is there and nothing half-written; return how many."""
    server = start(directory, *options)
    try:
        with httpx.Client(base_url=server.url, trust_env=False) as http:
            for kid, (record, content) in acknowledged.items():
                found = http.get(f"/api/resources/{kid}").content
                assert KM3OpenResource.model_validate_json(found) == record
                assert http.get(f"/files/{kid}/data.h5").content == content
            total: int = http.get("/api/resources?limit=1").json()["total"]
        assert total >= len(acknowledged)
    finally:
        server.stop()
    verdicts = {finding.verdict for finding in examine(directory, database)}
    # A file without its record is one whose upload was not acknowledged; none is half-written.
    assert verdicts <= {Verdict.OK, Verdict.UNKNOWN}
    assert not list((directory / "files").rglob("*.part"))
    return total
