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
SIZES = (10, 3000, 3_000_000, 12_000_000)
"""Bytes of a file."""
TOGETHER = 60
"""Records in one request."""


@dataclass
class Written:
    """What was sent to a service that was killed."""

    kept: dict[str, tuple[KM3OpenResource, bytes]] = field(default_factory=dict)
    """Records that it acknowledged, by ``kid``, with the content of their files."""
    files: dict[str, bytes] = field(default_factory=dict)
    """Files that it acknowledged, by address, whatever became of their records."""
    together: list[list[str]] = field(default_factory=list)
    """Records that were sent in one request, acknowledged or not."""

    def add(self, other: Written) -> None:
        """Take what was sent to the service when it ran again."""
        self.kept |= other.kept
        self.files |= other.files
        self.together += other.together


@dataclass(frozen=True)
class Found:
    """What is left of it."""

    total: int
    """Records that are there."""
    wrong: list[str]
    """What is missing, damaged or half-written."""


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
    written: Written = field(default_factory=Written)

    def run(self) -> None:
        """Write until nobody answers."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with httpx.Client(base_url=self.url, headers=headers, trust_env=False) as http:
            try:
                while True:
                    self.dice.choice([self.write, self.write_many])(http)
            except httpx.HTTPError:
                return  # it was killed

    def write(self, http: httpx.Client) -> None:
        """Write a record with a file."""
        content = self.dice.randbytes(self.dice.choice(SIZES))
        digest = hashlib.sha256(content).hexdigest()
        file = FileReference(name="data.h5", media_type=MEDIA, size=len(content), sha256=digest)
        record = make_record(version=f"1.{next(self.names)}", files=[], services=())
        record = record.model_copy(update={"files": (file,)})
        address = f"/files/{record.kid}/{file.name}"
        answer = http.put(address, content=content, headers={"X-Checksum-SHA256": digest})
        assert answer.status_code == 201, answer.text
        self.written.files[f"{address}?sha256={digest}"] = content
        body = record.model_dump_json()
        answer = http.put(f"/api/resources/{record.kid}", content=body)
        assert answer.status_code == 201, answer.text
        self.written.kept[str(record.kid)] = (record, content)

    def write_many(self, http: httpx.Client) -> None:
        """Write some records without files in one request."""
        records = [
            make_record(version=f"2.{next(self.names)}", files=[], services=())
            for _ in range(TOGETHER)
        ]
        body = ",".join(record.model_dump_json() for record in records)
        self.written.together.append([str(record.kid) for record in records])
        answer = http.put("/api/resources", content=f'{{"resources": [{body}]}}')
        assert answer.is_success, answer.text
        self.written.kept |= {str(record.kid): (record, b"") for record in records}


def kill_while_writing(
    directory: Path, dice: random.Random, names: Iterator[int], *options: str, most: float = 0.8
) -> Written:
    """Kill a server within so many seconds of writing; return what was sent to it."""
    server: Server = start(directory, *options)
    writers = [Writer(server.url, random.Random(dice.random()), names) for _ in range(2)]  # noqa: S311
    threads = [threading.Thread(target=writer.run) for writer in writers]
    for thread in threads:
        thread.start()
    waited = 0
    while not any(writer.written.kept for writer in writers) and waited < 600:
        sleep(0.05)  # starting takes its time; from now on each moment is as good as another
        waited += 1
    sleep(dice.random() * most)
    server.kill()
    for thread in threads:
        thread.join()
    written = Written()
    for writer in writers:
        written.add(writer.written)
    return written


def look_for(directory: Path, written: Written, *options: str, database: str = "") -> Found:
    """Look whether everything acknowledged is there and nothing half-written."""
    server = start(directory, *options)
    wrong: list[str] = []
    try:
        with httpx.Client(base_url=server.url, trust_env=False) as http:
            for kid, (record, content) in written.kept.items():
                if not _is_whole(http, record, content):
                    wrong.append(f"{kid} is not as it was acknowledged")
            for address, content in written.files.items():
                if http.get(address).content != content:
                    wrong.append(f"{address} is not as it was acknowledged")
            wrong += [f"a part of {kids[0]} …" for kids in written.together if _is_part(http, kids)]
            total: int = http.get("/api/resources?limit=1").json()["total"]
    finally:
        server.stop()
    # What no upload knows was not acknowledged; none is half-written.
    wrong += [
        f"{finding.verdict}: {finding}" for finding in examine(directory, database)
        if finding.verdict not in (Verdict.OK, Verdict.UNKNOWN)
    ]  # fmt: skip
    wrong += [f"{part} was left" for part in (directory / "files").rglob("*.part")]
    return Found(total, wrong)


def _is_whole(http: httpx.Client, record: KM3OpenResource, content: bytes) -> bool:
    """Tell whether a record is there as it was written, with its file if it has one."""
    found = http.get(f"/api/resources/{record.kid}")
    if not found.is_success or KM3OpenResource.model_validate_json(found.content) != record:
        return False
    return not record.files or http.get(f"/files/{record.kid}/data.h5").content == content


def _is_part(http: httpx.Client, kids: list[str]) -> bool:
    """Tell whether some of the records of one request are there and others are not."""
    there = {http.get(f"/api/resources/{kid}").status_code for kid in kids}
    return len(there) != 1
