"""Answers are sent packed to who can unpack them; files are not, which have ranges and checksums.

Source: RFC 9110, sections 8.4 (Content-Encoding) and 8.8.3 (ETag).
"""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vopub.odc.conditions import PACKED

SMALLEST = 1000
"""Bytes below which packing gains nothing."""
LEVEL = 4
"""Packs records to a seventh, twice as fast as the default."""


class Packing:
    """Packs answers with gzip and gives them an entity tag of their own."""

    def __init__(self, app: ASGIApp) -> None:
        self._as_is = app
        self._packed = GZipMiddleware(app, minimum_size=SMALLEST, compresslevel=LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and pack the answer."""
        path = scope.get("path", "")
        if scope["type"] != "http" or path.startswith("/files/"):
            await self._as_is(scope, receive, send)
            return

        async def tag(message: Message) -> None:
            if message["type"] == "http.response.start":
                _retag(MutableHeaders(scope=message), weak=path.startswith("/static/"))
            await send(message)

        await self._packed(scope, receive, tag)


def _retag(headers: MutableHeaders, *, weak: bool) -> None:
    """Change the tag of an answer that was packed; a weak one says that only the sense is equal."""
    tag = headers.get("etag", "")
    if headers.get("content-encoding") == "gzip" and tag.startswith('"'):
        headers["etag"] = f"W/{tag}" if weak else tag.removesuffix('"') + f'{PACKED}"'
