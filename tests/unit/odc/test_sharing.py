"""What one process answered is given by the others until something is written."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as some
from starlette.types import Message, Receive, Scope, Send

from vopub.odc import sharing
from vopub.odc.client import OdcClient
from vopub.odc.sharing import PLACE_BYTES, PLACES, Sharing, Shelf

from .conftest import TOKEN, Server, make_collection, make_record, start
from .test_remembering import ADDRESSES, check_all

HEADERS = [(b"content-type", b"text/plain; charset=utf-8"), (b"etag", b'"\xe4"')]


@given(mark=some.binary(max_size=32), key=some.tuples(*[some.binary()] * 3), content=some.binary())
def test_what_was_left_is_there(mark: bytes, key: tuple[bytes, ...], content: bytes) -> None:
    shelf = Shelf()
    assert shelf.get(mark, key) == b""
    shelf.put(mark, key, content)
    assert shelf.get(mark, key) == content
    assert shelf.get(mark + b"later", key) == b""
    assert shelf.get(mark, (*key, b"other")) == b""


def test_parts_of_a_key_are_not_taken_for_each_other() -> None:
    shelf = Shelf()
    shelf.put(b"", (b"a", b"\nb"), b"content")
    assert shelf.get(b"", (b"a\n", b"b")) == b""


def test_everything_is_what_was_left_last_or_nothing() -> None:
    """There are more keys than places."""
    shelf, dice = Shelf(), random.Random(5)  # noqa: S311 - the same at each run
    left = dict[tuple[bytes, ...], bytes]()
    for number in range(20 * PLACES):
        key = (b"%d" % dice.randrange(3 * PLACES),)
        left[key] = dice.randbytes(dice.randrange(1000)) + b"%d" % number
        shelf.put(b"mark", key, left[key])
        assert shelf.get(b"mark", key) == left[key]
    found = [key for key in left if shelf.get(b"mark", key)]
    assert all(shelf.get(b"mark", key) == left[key] for key in found)
    assert PLACES / 2 < len(found) <= PLACES


@pytest.mark.parametrize("at", [0, 31, 32, 63, 64, 67, 68, 500])
def test_what_was_written_by_halves_is_not_taken(at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "PLACES", 1)
    shelf = Shelf()
    shelf.put(b"mark", (b"key",), bytes(1000))
    there = shelf._memory[at]
    shelf._memory[at] = there ^ 0xFF
    assert shelf.get(b"mark", (b"key",)) == b""
    shelf._memory[at] = there
    assert shelf.get(b"mark", (b"key",)) == bytes(1000)


def test_what_is_too_large_for_a_place_is_not_left() -> None:
    shelf, most = Shelf(), PLACE_BYTES - 68
    shelf.put(b"", (b"largest",), bytes(most))
    shelf.put(b"", (b"larger",), bytes(most + 1))
    assert shelf.get(b"", (b"largest",)) == bytes(most)
    assert shelf.get(b"", (b"larger",)) == b""


class Answering:
    """An application that counts how often it was asked."""

    def __init__(self, status: int = 200, pieces: Sequence[bytes] = (b"answer\n of it",)) -> None:
        self.times, self.status, self.pieces = 0, status, pieces

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        self.times += 1
        begin = {"type": "http.response.start", "status": self.status, "headers": HEADERS}
        await send(begin)
        for place, piece in enumerate(self.pieces, 1):
            more = place < len(self.pieces)
            await send({"type": "http.response.body", "body": piece, "more_body": more})


class Processes:
    """Two applications that share what they answer."""

    def __init__(self, **answer: object) -> None:
        self.mark, shelf = b"first", Shelf()
        self.apps = [Answering(**answer) for _ in range(2)]  # type: ignore[arg-type]
        self.sharing = [Sharing(app, lambda: self.mark, shelf) for app in self.apps]

    def ask(self, process: int, *, method: str = "GET", path: str = "/") -> tuple[Message, bytes]:
        sent = list[Message]()

        async def send(message: Message) -> None:
            sent.append(message)

        async def receive() -> Message:
            raise AssertionError("nobody sends anything")

        scope = {"type": "http", "method": method, "path": path, "query_string": b"",
                 "headers": [(b"host", b"odc.test")]}  # fmt: skip
        asyncio.run(self.sharing[process](scope, receive, send))
        return sent[0], b"".join(message["body"] for message in sent[1:])

    @property
    def times(self) -> list[int]:
        return [app.times for app in self.apps]


def test_what_one_process_answered_the_other_gives_until_something_is_written() -> None:
    both = Processes()
    first = both.ask(0)
    assert first[0]["headers"] == HEADERS
    assert first[1] == b"answer\n of it"
    for _ in range(2):
        assert both.ask(1) == both.ask(0) == first
    assert sum(both.times) == 3  # each once before it knew that somebody asks again
    both.mark = b"second"
    assert both.ask(1) == both.ask(0) == first
    assert sum(both.times) == 4


def test_what_is_asked_for_once_takes_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "MOST_NOTED", 10)
    both, left = Processes(), list[object]()
    monkeypatch.setattr(Shelf, "put", lambda *all_of_it: left.append(all_of_it))
    for path in [f"/api/resources/{number}" for number in range(11)] * 2:
        both.ask(0, path=path)
    assert left == []
    for path in ["/", "/streams", "/"]:
        both.ask(0, path=path)
    assert len(left) == 1


@pytest.mark.parametrize(
    "answer", [{"status": 404}, {"status": 304}, {"pieces": [b"one", b"two"]}], ids=str
)
def test_other_answers_are_not_left(answer: dict[str, object]) -> None:
    both = Processes(**answer)
    for _ in range(3):
        assert both.ask(0) == both.ask(1)
    assert both.times == [3, 3]


@pytest.mark.parametrize("asked", [{"method": "PUT"}, {"path": "/api/health"}], ids=str)
def test_what_may_differ_is_asked_for_itself(asked: dict[str, str]) -> None:
    both = Processes()
    for _ in range(3):
        assert both.ask(0, **asked) == both.ask(1, **asked)
    assert both.times == [3, 3]


def test_an_answer_of_before_a_write_is_not_left_for_later() -> None:
    both = Processes()
    for process in (0, 1):
        both.ask(process)
    app = both.apps[0]

    async def write_meanwhile(scope: Scope, receive: Receive, send: Send) -> None:
        both.mark = b"written meanwhile"
        await app(scope, receive, send)

    both.sharing[0]._app = write_meanwhile
    both.ask(0)
    both.ask(1)
    assert both.times == [2, 2]


@pytest.fixture
def together(tmp_path: Path, database: str) -> Iterator[Server]:
    server = start(
        tmp_path / "odc", "--processes", "2", *(["--database", database] * bool(database))
    )
    yield server
    server.stop()


def test_every_process_answers_what_would_be_made_anew(together: Server) -> None:
    record = make_record(files=[])
    with ExitStack() as stack:
        client = stack.enter_context(OdcClient(together.url, TOKEN))
        readers = [
            stack.enter_context(httpx.Client(base_url=together.url, trust_env=False))
            for _ in range(4)
        ]
        client.put_collection(make_collection(resources=(record.kid,)))
        for rows in (1, 2):  # what was asked for the first time is shared from the second on
            client.put_resource(record.model_copy(update={"rows": rows}))
            for http in readers:
                check_all(http, [*ADDRESSES, f"/api/resources/{record.kid}"])
