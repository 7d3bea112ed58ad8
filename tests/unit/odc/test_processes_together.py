"""Several processes serve one address: what one writes, all know, and none is missed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from vopub.odc.client import OdcClient

from .conftest import TOKEN, Server, make_collection, make_record, start, wait_until

TOGETHER = 3


def children(server: Server) -> list[int]:
    pid = server.process.pid
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def cpu(process: int) -> int:
    """Return for how long a process was busy, in ticks."""
    numbers = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return int(numbers[11]) + int(numbers[12])


@contextmanager
def connections(server: Server, number: int = 24) -> Iterator[list[httpx.Client]]:
    """Open so many connections that each process has some of them."""
    with ExitStack() as stack:
        made = [
            stack.enter_context(httpx.Client(base_url=server.url, trust_env=False))
            for _ in range(number)
        ]
        before = {process: cpu(process) for process in children(server)}
        for http in made * 12:
            assert http.get("/api/health").status_code == 200
        assert all(cpu(process) > ticks for process, ticks in before.items())
        yield made


@pytest.fixture
def together(tmp_path: Path, database: str) -> Iterator[Server]:
    options = ["--database", database] if database else []
    server = start(tmp_path / "odc", "--processes", str(TOGETHER), *options)
    yield server
    if server.process.poll() is None:
        server.stop()


def test_what_one_process_wrote_all_others_say_at_once(together: Server) -> None:
    listed = "/api/resources?limit=1"
    with connections(together) as readers, ExitStack() as stack:
        writers = [stack.enter_context(OdcClient(together.url, TOKEN)) for _ in range(8)]
        for number in range(1, 41):
            record = make_record(version=f"{number}", files=[], services=())
            writers[number % len(writers)].put_resource(record)
            for http in readers[number % 3 :: 3]:
                assert http.get(listed).json()["total"] == number
        assert make_collection().title not in readers[0].get("/collections").text
        writers[0].put_collection(make_collection())
        for http in readers:
            assert make_collection().title in http.get("/collections").text


def test_a_process_that_is_killed_is_replaced_and_nobody_is_sent_away(together: Server) -> None:
    before = children(together)
    assert len(before) == TOGETHER
    os.kill(before[0], signal.SIGKILL)  # also the one that looks after the log of writes
    record = make_record(files=[], services=())
    with OdcClient(together.url, TOKEN) as client:
        client.put_resource(record)
    address = f"{together.url}/api/resources/{record.kid}"
    answers = [httpx.get(address, trust_env=False) for _ in range(3 * TOGETHER)]
    assert {answer.status_code for answer in answers} == {200}
    wait_until(lambda: len(children(together)) == TOGETHER, "there are as many as before")
    assert before[0] not in children(together)
    assert together.stop() == 0
    log = (together.directory.parent / "odc.log").read_text()
    assert f"process {before[0]} of the service ended with -9; it is started anew" in log


def test_all_end_with_the_one_that_looks_after_them(together: Server) -> None:
    left = children(together)
    together.kill()
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in left), "all are gone")
    again = start(together.directory)
    assert again.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_all_end_when_asked(tmp_path: Path, number: signal.Signals) -> None:
    server = start(tmp_path / "odc", "--processes", "2")
    left = children(server)
    server.process.send_signal(number)
    server.process.communicate(timeout=20)
    assert server.process.returncode == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in left)


def test_wrong_tokens_are_counted_by_all_together(together: Server) -> None:
    statuses = []
    with connections(together) as senders:
        for http in senders:
            answer = http.put("/api/resources", headers={"Authorization": "Bearer wrong"})
            statuses.append(answer.status_code)
    assert statuses == [401] * 20 + [429] * (len(statuses) - 20)
