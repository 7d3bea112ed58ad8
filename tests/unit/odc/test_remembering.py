"""Answers that are given again are those that would be made anew."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from vopub.odc import remembering
from vopub.odc.remembering import Remembering
from vopub.odc.turns import AT_ONCE, MANY, Queue

from .conftest import Centre, make_collection, make_record

ANEW = {"If-Modified-Since": "never"}
"""What nobody looks at, but such requests are answered for themselves."""
ADDRESSES = [
    "/", "/resources", "/resources?q=orca", "/streams", "/collections", "/collections/samples26_01",
    "/api/resources", "/api/resources?ktype=events&sort=newest", "/api/resources?limit=1",
    "/api/collections", "/api/collections?limit=1", "/api/collections/samples26_01",
    "/api/collections/samples26_01/linkset", "/api/streams",
]  # fmt: skip
ASKING: list[dict[str, str]] = [
    {}, {"Accept": "text/html"}, {"Accept": "application/ld+json"}, {"Accept": "application/xml"},
    {"Accept-Encoding": "gzip"}, {"Accept-Encoding": "identity"}, {"Host": "other.test"},
    {"Origin": "https://sky.test"}, {"Host": "not a host"},
]  # fmt: skip


def told(answer: httpx.Response) -> tuple[int, dict[str, str], bytes]:
    headers = {name: value for name, value in answer.headers.items() if name != "date"}
    return answer.status_code, headers, answer.content


def check_all(http: httpx.Client, addresses: list[str]) -> None:
    for address in addresses:
        for headers in ASKING:
            anew = told(http.get(address, headers={**headers, **ANEW}))
            for _ in range(2):
                assert told(http.get(address, headers=headers)) == anew, (address, headers)
            if tag := anew[1].get("etag"):
                known = {**headers, "If-None-Match": tag}
                assert http.get(address, headers=known).status_code == 304
                assert told(http.get(address, headers=headers)) == anew


def test_whoever_asks_gets_what_would_be_made_anew(centre: Centre) -> None:
    record, other = make_record(files=[]), make_record("evts20_01", files=[])
    addresses = [*ADDRESSES, f"/api/resources/{record.kid}", f"/api/resources/{record.kid}/history"]
    with centre.anonymous() as http:
        check_all(http, addresses)
        centre.client.put_resource(record)
        check_all(http, addresses)
        centre.client.put_collection(make_collection(resources=(record.kid, other.kid)))
        check_all(http, addresses)
        centre.client.put_resource(other)
        centre.client.put_resource(record.model_copy(update={"simulated": not record.simulated}))
        check_all(http, addresses)
        centre.store.withdraw(UUID(str(record.kid)), "it was wrong")
        check_all(http, addresses)


class Counting:
    """An application that counts how often it was asked, and answers what it is told to."""

    def __init__(self, body: bytes = b"answer", status: int = 200) -> None:
        self.times = 0
        self.body, self.status = body, status
        self.free = asyncio.Event()
        self.free.set()

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        self.times += 1
        answer = b"%d: " % self.times + self.body
        await self.free.wait()
        if self.status == 0:
            raise OSError("it failed")
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": answer})


async def ask(
    app: Remembering, path: str = "/resources", hold: Callable[[], Any] | None = None,
    method: str = "GET", headers: dict[str, str] | None = None,
) -> bytes:  # fmt: skip
    body = b""
    scope = {
        "type": "http", "method": method, "path": path, "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in (headers or {}).items()],
    }  # fmt: skip

    async def send(message: Message) -> None:
        nonlocal body
        if hold is not None:
            await hold()
        body += message.get("body", b"")

    async def receive() -> Message:
        return {"type": "http.request"}

    await app(scope, receive, send)
    return body


def test_it_is_made_once_until_something_is_written() -> None:
    async def run() -> None:
        app, written = Counting(), [b"1"]
        remembering = Remembering(app, lambda: written[0], Queue())
        assert [await ask(remembering) for _ in range(3)] == [b"1: answer"] * 3
        written[0] = b"2"
        assert [await ask(remembering) for _ in range(3)] == [b"2: answer"] * 3
        assert await ask(remembering, headers={"accept": "text/html"}) == b"3: answer"

    asyncio.run(run())


@pytest.mark.parametrize(
    ("path", "method", "headers"),
    [
        ("/resources/x", "GET", {}), ("/files/x", "GET", {}), ("/oai", "GET", {}),
        ("/api/health", "GET", {}), ("/resources", "HEAD", {}), ("/api/resources", "PUT", {}),
        ("/resources", "GET", {"authorization": "Bearer x"}), ("/resources", "GET", {"range": "x"}),
    ],
)  # fmt: skip
def test_what_depends_on_more_is_made_anew(path: str, method: str, headers: dict[str, str]) -> None:
    async def run() -> None:
        remembering = Remembering(Counting(), lambda: b"", Queue())
        answers = [await ask(remembering, path, method=method, headers=headers) for _ in range(2)]
        assert answers == [b"1: answer", b"2: answer"]

    asyncio.run(run())


def test_many_who_ask_at_once_wait_for_one_answer() -> None:
    async def run() -> None:
        app = Counting()
        remembering = Remembering(app, lambda: b"", Queue())
        app.free.clear()
        asked = [asyncio.create_task(ask(remembering)) for _ in range(20)]
        await asyncio.sleep(0)
        app.free.set()
        assert await asyncio.gather(*asked) == [b"1: answer"] * 20

    asyncio.run(run())


def test_what_is_being_made_while_something_is_written_is_not_given_to_who_asks_later() -> None:
    async def run() -> None:
        app, written = Counting(), [b"1"]
        remembering = Remembering(app, lambda: written[0], Queue())
        app.free.clear()
        early = asyncio.create_task(ask(remembering))
        await asyncio.sleep(0)
        written[0] = b"2"
        late = asyncio.create_task(ask(remembering))
        await asyncio.sleep(0)
        app.free.set()
        assert (await early, await late) == (b"1: answer", b"2: answer")
        assert await ask(remembering) == b"2: answer"

    asyncio.run(run())


def test_a_reader_who_takes_nothing_keeps_nobody_waiting() -> None:
    async def run() -> None:
        remembering = Remembering(Counting(), lambda: b"", Queue())
        taken = asyncio.Event()
        slow = asyncio.create_task(ask(remembering, hold=taken.wait))
        await asyncio.sleep(0)
        stalled = asyncio.create_task(ask(remembering, hold=taken.wait))
        await asyncio.sleep(0)
        taken.set()
        assert await asyncio.wait_for(slow, 5) == await asyncio.wait_for(stalled, 5)

        taken.clear()
        only_body = 0

        async def body_is_not_taken() -> None:
            nonlocal only_body
            only_body += 1
            if only_body > 1:
                await taken.wait()

        slow = asyncio.create_task(ask(remembering, "/streams", hold=body_is_not_taken))
        await asyncio.sleep(0)
        assert await asyncio.wait_for(ask(remembering, "/streams"), 5) == b"2: answer"
        taken.set()
        await slow

    asyncio.run(run())


@pytest.mark.parametrize("status", [0, 404, 500])
def test_failures_are_not_kept(status: int) -> None:
    async def run() -> None:
        app = Counting(status=status)
        remembering = Remembering(app, lambda: b"", Queue())
        app.free.clear()
        asked = [asyncio.create_task(ask(remembering)) for _ in range(3)]
        await asyncio.sleep(0)
        app.free.set()
        await asyncio.gather(*asked, return_exceptions=True)
        assert app.times == 3
        app.status = 200
        assert await ask(remembering) == await ask(remembering) == b"4: answer"

    asyncio.run(run())


def test_memory_for_answers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembering, "KEPT_BYTES", 10_000)
    monkeypatch.setattr(remembering, "LARGEST", 2_000)

    async def run() -> None:
        app = Counting(b"x" * 1_900)
        kept = Remembering(app, lambda: b"", Queue())
        paths = [f"/streams/{number}" for number in range(20)]
        for path in paths:
            await ask(kept, path)
        times = app.times
        for path in paths[-4:]:
            await ask(kept, path)
        assert app.times == times  # the latest are kept
        await ask(kept, paths[0])
        assert app.times == times + 1  # the first made room
        app.body = b"x" * 2_100
        for _ in range(2):
            await ask(kept, "/streams/large")
        assert app.times == times + 3

    asyncio.run(run())


def test_in_a_crowd_a_kept_answer_is_given_after_those_to_who_asked_earlier() -> None:
    async def run() -> None:
        app, queue = Counting(), Queue()
        remembering = Remembering(app, lambda: b"", queue)
        await ask(remembering)
        for _ in range(AT_ONCE):
            await queue.enter()
        assert await asyncio.wait_for(ask(remembering), 1) == b"1: answer"
        waiting = [asyncio.create_task(queue.enter()) for _ in range(MANY)]
        await asyncio.sleep(0)
        asked = asyncio.create_task(ask(remembering))
        await asyncio.sleep(0.05)
        assert not asked.done()
        for _ in range(MANY + 1):
            queue.leave()
        await asyncio.gather(*waiting)
        assert await asyncio.wait_for(asked, 1) == b"1: answer"

    asyncio.run(run())
