"""What one process answered lies ready for the others, until something is written.

Each keeps answers for itself (``remembering``). While others write all the time, what many ask for
is made anew each time; here, by one of the processes instead of by each.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from mmap import mmap

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vopub.odc.remembering import Key, key_of

PLACES = 64
PLACE_BYTES = 256 << 10
"""Of each place; memory that nobody wrote to takes none."""
MOST_NOTED = 500
"""How many of the last different requests a process remembers."""
LENGTH = 4
"""Bytes of a length."""

_DIGEST = sha256().digest_size
_HEAD = 2 * _DIGEST + LENGTH


class Shelf:
    """Bytes that processes leave for each other; made before they are parted.

    Nobody waits for anybody: what two write at a time, or one that is killed, has another digest
    than it says, and nobody takes it.
    """

    def __init__(self) -> None:
        self._memory = mmap(-1, PLACES * PLACE_BYTES)

    def put(self, mark: bytes, key: Key, content: bytes) -> None:
        """Leave something as it is at a mark, instead of what was in its place."""
        if _HEAD + len(content) > PLACE_BYTES:
            return
        name = _name_of(mark, key)
        start = self._place_of(key)
        head = name + sha256(name + content).digest() + len(content).to_bytes(LENGTH)
        self._memory[start : start + len(head) + len(content)] = head + content

    def get(self, mark: bytes, key: Key) -> bytes:
        """Return what somebody left as it is at a mark; empty if there is nothing."""
        name = _name_of(mark, key)
        start = self._place_of(key)
        head = self._memory[start : start + _HEAD]
        if not head.startswith(name):
            return b""
        length = int.from_bytes(head[-LENGTH:])
        content = self._memory[start + _HEAD : start + min(_HEAD + length, PLACE_BYTES)]
        whole = sha256(name + content).digest() == head[_DIGEST : 2 * _DIGEST]
        return content if whole else b""

    @staticmethod
    def _place_of(key: Key) -> int:
        number = int.from_bytes(sha256(repr(key).encode()).digest()[:LENGTH])
        return number % PLACES * PLACE_BYTES


class Sharing:
    """Gives the answer that another process made, as long as nothing was written since.

    Parameters
    ----------
    app
        Makes answers.
    mark
        Returns what differs as soon as something is written.
    shelf
        Of all processes.
    """

    def __init__(self, app: ASGIApp, mark: Callable[[], bytes], shelf: Shelf) -> None:
        self._app = app
        self._mark = mark
        self._shelf = shelf
        self._asked: OrderedDict[Key, None] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with what is there, or pass the request on and leave the answer to others."""
        key = key_of(scope)
        if key is None or not self._was_asked_for(key):
            await self._app(scope, receive, send)
            return
        mark = self._mark()  # before reading: a write that comes between makes the answer old
        if content := self._shelf.get(mark, key):
            for message in _unpacked(content):
                await send(message)
            return
        head: Message = {}

        async def leave(message: Message) -> None:
            nonlocal head
            if message["type"] == "http.response.start":
                head = message
            elif head:
                if head["status"] == 200 and not message.get("more_body", False):
                    self._shelf.put(mark, key, _packed(head, message))
                head = {}  # of a body in several pieces, none is it
            await send(message)

        await self._app(scope, receive, leave)

    def _was_asked_for(self, key: Key) -> bool:
        """Note what is asked for, and return whether it was not long ago.

        What is asked for only once would take the place of what many want.
        """
        known = key in self._asked
        self._asked[key] = None
        self._asked.move_to_end(key)
        if len(self._asked) > MOST_NOTED:
            self._asked.popitem(last=False)
        return known


def _name_of(mark: bytes, key: Key) -> bytes:
    return sha256(mark + repr(key).encode()).digest()


def _packed(head: Message, body: Message) -> bytes:
    headers = [[each.decode("latin-1") for each in pair] for pair in head["headers"]]
    return b"\n".join([json.dumps(headers).encode(), body.get("body", b"")])


def _unpacked(content: bytes) -> tuple[Message, Message]:
    packed, _, body = content.partition(b"\n")
    headers = [tuple(each.encode("latin-1") for each in pair) for pair in json.loads(packed)]
    return (
        {"type": "http.response.start", "status": 200, "headers": headers},
        {"type": "http.response.body", "body": body},
    )
