"""Answers are kept until something is written, for others who ask for the same."""

from __future__ import annotations

from asyncio import Event
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vopub.odc.turns import Queue

PAGES = ("/resources", "/streams", "/collections")
"""Pages that show nothing but what is in the database, as do those below the last two."""
BELOW = ("/streams/", "/collections/", "/api/resources", "/api/streams", "/api/collections")
KEPT_BYTES = 16 << 20
"""Memory for answers; those that were wanted longest ago make room."""
LARGEST = 1 << 20
"""Bytes of an answer that is kept at most."""
TELLING = (b"host", b"accept", b"accept-encoding", b"if-none-match", b"origin")
"""Headers that an answer depends on."""
NARROWING = (b"authorization", b"range", b"if-range", b"if-match", b"if-modified-since")
"""Headers of requests that are answered for themselves."""
STATUSES = (200, 304)

Key = tuple[bytes, ...]


@dataclass(slots=True)
class _Answer:
    """An answer, while it is made and afterwards."""

    mark: bytes
    """What was written when it was begun."""
    made: Event = field(default_factory=Event)
    """Set when nobody has to wait for it any more."""
    messages: tuple[Message, ...] = ()
    """Its head and its body, if it can be given again."""
    weight: int = 0
    """Bytes that it takes, once it is kept."""


class Remembering:
    """Gives an answer again as long as nothing was written since, by whichever process.

    Who asks for what is just being made for another one waits for that.

    Parameters
    ----------
    app
        Makes answers.
    mark
        Returns what differs as soon as something is written.
    queue
        Of those who wait for an answer that has to be made.
    """

    def __init__(self, app: ASGIApp, mark: Callable[[], bytes], queue: Queue) -> None:
        self._app = app
        self._mark = mark
        self._queue = queue
        self._answers: OrderedDict[Key, _Answer] = OrderedDict()
        self._size = 0
        self._kept_at = b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from memory, or pass the request on and keep the answer."""
        key = key_of(scope)
        if key is None:
            await self._app(scope, receive, send)
            return
        mark = self._mark()  # before reading: a write that comes between makes the answer old
        if mark != self._kept_at:
            self._answers.clear()
            self._size, self._kept_at = 0, mark
        if (answer := self._answers.get(key)) is not None:
            self._answers.move_to_end(key)
            await answer.made.wait()
            if answer.messages:
                await self._queue.pass_by()
                for message in answer.messages:
                    await send(message)
                return
        await self._make(key, _Answer(mark), scope, receive, send)

    async def _make(
        self, key: Key, answer: _Answer, scope: Scope, receive: Receive, send: Send
    ) -> None:
        head: Message = {}

        async def keep(message: Message) -> None:
            nonlocal head
            if message["type"] == "http.response.start":
                head = message
            elif not answer.made.is_set():
                # Before it is sent: how long the reader takes to receive it holds up nobody.
                if _can_be_given_again(head, message):
                    answer.messages = head, message
                answer.made.set()
            await send(message)

        if answer.mark == self._kept_at:
            self._answers[key] = answer
        try:
            await self._app(scope, receive, keep)
        finally:
            answer.made.set()
            self._settle(key, answer)

    def _settle(self, key: Key, answer: _Answer) -> None:
        """Keep an answer if it can be given again, and make room for it."""
        if self._answers.get(key) is not answer:
            return
        if not answer.messages:
            del self._answers[key]
            return
        answer.weight = len(answer.messages[1].get("body", b"")) + sum(map(len, key))
        self._size += answer.weight
        while self._size > KEPT_BYTES:
            self._size -= self._answers.popitem(last=False)[1].weight


def _can_be_given_again(head: Message, body: Message) -> bool:
    in_one_piece = not body.get("more_body", False) and len(body.get("body", b"")) <= LARGEST
    return in_one_piece and head["status"] in STATUSES


def key_of(scope: Scope) -> Key | None:
    """Return what an answer depends on; None if it is not to be kept."""
    if scope["type"] != "http" or scope["method"] != "GET" or not _is_kept(scope["path"]):
        return None
    headers: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in NARROWING:
            return None
        if name in TELLING:
            headers[name] = headers.get(name, b"") + b"\n" + value
    path = scope.get("raw_path") or scope["path"].encode()
    return path, scope["query_string"], *(headers.get(name, b"") for name in TELLING)


def _is_kept(path: str) -> bool:
    return path == "/" or path in PAGES or path.startswith(BELOW)
