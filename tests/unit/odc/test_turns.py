"""Few requests that read are answered at a time, and nobody waits for one that takes long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from vopub.odc import turns
from vopub.odc.turns import AT_ONCE, MANY, Queue, Turns


class Service:
    """Answers when it is told to; knows who is being answered."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.inside = self.most = 0
        self.queue = Queue()
        methods = ["GET", "PUT"]
        self.app = Starlette(routes=[
            Route("/page", self.page, methods=methods), Route("/pictures/1.svg", self.page),
            Route("/long", self.long), Route("/fails", self.fails),
        ])  # fmt: skip
        transport = httpx.ASGITransport(Turns(self.app, self.queue), raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://odc.test")

    async def page(self, _request: Request) -> Response:
        self.inside += 1
        self.most = max(self.most, self.inside)
        await self.go.wait()
        self.inside -= 1
        return PlainTextResponse("here")

    async def long(self, _request: Request) -> Response:
        async def pieces() -> AsyncIterator[str]:
            yield "slowly"
            await self.page(_request)

        return StreamingResponse(pieces())

    async def fails(self, _request: Request) -> Response:
        raise ValueError("a defect")

    def ask(self, path: str, times: int, method: str = "GET") -> list[asyncio.Task[httpx.Response]]:
        return [asyncio.create_task(self.client.request(method, path)) for _ in range(times)]


async def everybody(service: Service, asked: list[asyncio.Task[httpx.Response]]) -> list[int]:
    service.go.set()
    return [answer.status_code for answer in await asyncio.gather(*asked)]


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 60)


def test_few_are_answered_at_a_time_and_the_others_afterwards() -> None:
    async def scene() -> None:
        service = Service()
        asked = service.ask("/page", 10)
        await asyncio.sleep(0.1)
        assert service.inside == AT_ONCE
        assert await everybody(service, asked) == [200] * 10
        assert service.most == AT_ONCE

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("path", "method"), [("/page", "PUT"), ("/pictures/1.svg", "GET"), ("/long", "GET")]
)
def test_what_writes_or_is_drawn_or_received_keeps_nobody_waiting(path: str, method: str) -> None:
    async def scene() -> None:
        service = Service()
        asked = service.ask(path, 10, method)
        await asyncio.sleep(0.1)
        assert service.inside == 10
        assert await everybody(service, asked) == [200] * 10

    asyncio.run(scene())


def test_one_that_takes_long_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 0.1)

    async def scene() -> None:
        service = Service()
        asked = service.ask("/page", 3 * AT_ONCE)
        await asyncio.sleep(1)
        assert service.inside == 3 * AT_ONCE
        assert await everybody(service, asked) == [200] * 3 * AT_ONCE
        assert service.most == 3 * AT_ONCE
        # And nobody's turn was given back twice.
        service.go.clear()
        monkeypatch.setattr(turns, "PATIENCE", 60)
        asked = service.ask("/page", 10)
        await asyncio.sleep(0.1)
        assert service.inside == AT_ONCE
        await everybody(service, asked)

    asyncio.run(scene())


def test_a_defect_keeps_no_turn() -> None:
    async def scene() -> None:
        service = Service()
        service.go.set()
        asked = [*service.ask("/fails", 3 * AT_ONCE), *service.ask("/page", 1)]
        statuses = await asyncio.wait_for(everybody(service, asked), 10)
        assert statuses == [500] * 3 * AT_ONCE + [200]

    asyncio.run(scene())


def test_who_takes_no_time_waits_in_a_crowd_for_those_who_asked_earlier() -> None:
    async def scene() -> None:
        service = Service()
        asked = service.ask("/page", AT_ONCE + MANY - 1)
        await asyncio.sleep(0.1)
        await asyncio.wait_for(service.queue.pass_by(), 1)
        asked += service.ask("/page", 1)
        await asyncio.sleep(0.1)
        passing = asyncio.create_task(service.queue.pass_by())
        asked += (later := service.ask("/page", 1))
        await asyncio.sleep(0.1)
        assert not passing.done()
        ended: list[str] = []
        passing.add_done_callback(lambda _: ended.append("who takes no time"))

        def note(each: asyncio.Task[httpx.Response]) -> None:
            ended.append("later" if each in later else "earlier")

        for each in asked:
            each.add_done_callback(note)
        await everybody(service, asked)
        await passing
        before = ended.index("who takes no time")
        assert ended[:before].count("earlier") >= MANY
        assert "later" not in ended[:before]

    asyncio.run(scene())
