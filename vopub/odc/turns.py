"""One reader is answered at a time, the others in their turn.

Python runs one thread at a time, and the driver of SQLite lets others run for each row that it
reads. Of many threads that read at once, each would wait for all others at each row: a page took
twice as long with 40 of them as with 2, and a tenth longer with 2 than with 1. Who waits for a slow
database, or reads very much, lets the next one begin soon.
"""

from __future__ import annotations

from asyncio import Semaphore, get_running_loop

from starlette.types import ASGIApp, Message, Receive, Scope, Send

AT_ONCE = 1
"""How many are answered at a time."""
PATIENCE = 0.05
"""Seconds after which one that is not answered yet does not keep others waiting any more."""
OTHERS = ("/pictures/",)
"""Paths of what takes long elsewhere: pictures are drawn by another process."""


MANY = 8
"""So many who wait are a crowd, in which nobody is answered before those who asked earlier."""


class Queue:
    """Those who wait to be answered, in the order in which they asked."""

    def __init__(self) -> None:
        self._free = Semaphore(AT_ONCE)
        self._waiting = 0

    async def enter(self) -> None:
        """Wait until it is one's turn; ``leave`` ends it."""
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1

    def leave(self) -> None:
        """Give the turn to the next one."""
        self._free.release()

    async def pass_by(self) -> None:
        """Wait, in a crowd, until those who asked earlier had their turn; else not at all.

        For who takes no time: of many who ask, some would otherwise be answered at once again and
        again, while what others want takes twice as long.
        """
        if self._waiting >= MANY:
            await self.enter()
            self.leave()


class Turns:
    """Lets one request that reads be answered at a time; once an answer begins, the next one is.

    Parameters
    ----------
    app
        Answers.
    queue
        Of those who wait.
    """

    def __init__(self, app: ASGIApp, queue: Queue) -> None:
        self._app = app
        self._queue = queue

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on when it is its turn."""
        if not _reads(scope):
            await self._app(scope, receive, send)
            return
        await self._queue.enter()
        under_way = True

        def give_way() -> None:
            nonlocal under_way
            if under_way:
                under_way = False
                self._queue.leave()

        async def begin(message: Message) -> None:
            give_way()  # how long the reader takes to receive it holds up nobody
            await send(message)

        patience = get_running_loop().call_later(PATIENCE, give_way)
        try:
            await self._app(scope, receive, begin)
        finally:
            patience.cancel()
            give_way()


def _reads(scope: Scope) -> bool:
    is_reading = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
    return is_reading and not scope["path"].startswith(OTHERS)
