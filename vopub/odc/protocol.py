"""Reading requests from connections: nobody may send a head without end."""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD = 64 << 10
"""Bytes of a request's first line and headers, which are kept in memory until all are there."""


class BoundedHead(HttpToolsProtocol):
    """Refuses requests whose head does not end in time; the parser itself has no such bound."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._in_head = False
        self._head = 0

    def data_received(self, data: bytes) -> None:
        """Take bytes as they come."""
        self._head += len(data)
        super().data_received(data)
        if self._in_head and self._head > MOST_HEAD:
            self._in_head = False
            self.send_400_response("The head of the request is too long.")

    def on_message_begin(self) -> None:
        """Note that a head begins; what came with its beginning may belong to another request."""
        self._in_head, self._head = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Note that it is there."""
        self._in_head = False
        super().on_headers_complete()
