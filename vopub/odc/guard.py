"""What every request passes: the token for writing, limits, one shape of errors, headers."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, TypeVar

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ValidationError
from starlette.datastructures import MutableHeaders, State
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vopub.errors import FileError, Problem, VopubError
from vopub.files import cannot
from vopub.odc.addresses import reader_of
from vopub.odc.answers import ErrorBody, ErrorDetail
from vopub.odc.blobs import too_large
from vopub.odc.faults import GoneError, OdcError, RefusedError, TokenError, TooOftenError
from vopub.odc.rendering import render
from vopub.odc.tokens import ADMIN, Grant

MOST_RECORD_BYTES = 16 << 20
"""Largest record that is read into memory."""
MOST_DETAILS = 50
MOST_DETAIL_TEXT = 500
SHORTEST_TOKEN = 16
PUBLISHER = "publisher"
"""Name of the token that every site has."""

PROGRAM_PATHS = ("/api/", "/schemas/")
"""How the addresses begin that answer programs only."""

PAGE_POLICY = "; ".join(
    [
        "default-src 'none'", "style-src 'self'", "script-src 'self'", "img-src 'self'",
        "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
    ]
)  # fmt: skip
"""What a page may load and do: nothing but what comes from here, no script in the page."""
HEADERS = {
    "Content-Security-Policy": PAGE_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

Record = TypeVar("Record", bound=BaseModel)
log = logging.getLogger("vopub.odc")
_bearer = HTTPBearer(auto_error=False, description="The token of the publisher.")


def read_token_digest(path: Path) -> bytes:
    """Read the token for writing; only its SHA-256 is kept.

    Raises
    ------
    FileError
        If the file cannot be read, or what it holds is too short to be a secret.
    """
    try:
        token = path.read_bytes().strip()
    except OSError as error:
        raise cannot("read", path, error) from error
    if len(token) < SHORTEST_TOKEN:
        hint = f"put a random token of at least {SHORTEST_TOKEN} characters into it"
        raise FileError(f"the token has {len(token)} characters", where=path, hint=hint)
    return hashlib.sha256(token).digest()


def need_some_token(
    request: Request,
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Grant:
    """Let a request pass that carries a token; what it may write is for the caller to check."""
    if given is None:
        raise TokenError("writing needs a token", hint="send 'Authorization: Bearer <token>'")
    state = request.app.state
    grant = _grant(state, given.credentials)
    if grant is None:
        # Only who is wrong is slowed down: others behind the same address go on writing.
        address = reader_of(request)
        state.wrong_tokens.check(address)
        state.wrong_tokens.count(address)
        raise TokenError("the token is not the right one")
    state.writes.check(grant.name)
    state.writes.count(grant.name)
    request.state.who = grant.name
    return grant


def _grant(state: State, token: str) -> Grant | None:
    digest = hashlib.sha256(token.encode()).digest()
    if hmac.compare_digest(digest, state.token_digest):
        return Grant(PUBLISHER, ADMIN)
    found: Grant | None = state.store.tokens.grant_of(token)
    return found


TheGrant = Annotated[Grant, Depends(need_some_token)]


def need_token(grant: TheGrant) -> None:
    """Let a request pass whose token may write everything."""
    grant.check_everything()


async def who_of(request: Request) -> str:
    """Return the name of the token that a request was let in by; empty without one."""
    who: str = getattr(request.state, "who", "")
    return who


Who = Annotated[str, Depends(who_of)]


async def record_body(request: Request) -> bytes:
    """Read the body of a request that writes a record."""
    return await body_of(request, MOST_RECORD_BYTES)


async def body_of(request: Request, most: int) -> bytes:
    """Read a body of at most so many bytes into memory; raises TooLargeError if it has more."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise too_large(most)
    return bytes(body)


def parse_record(
    kind: type[Record], body: bytes,
    parts: Callable[[Record], Iterable[BaseModel]] = lambda record: (record,),
) -> Record:  # fmt: skip
    """Check a record.

    Parameters
    ----------
    kind, body
        What it is, as JSON.
    parts
        Gives what can be looked at one by one, which takes less memory.

    Raises
    ------
    RefusedError
        With everything that is wrong, also what would not come out of JSON as it went in
        (infinite numbers).
    """
    try:
        record = kind.model_validate_json(body)
        for part in parts(record):
            # JSON says null of an infinite number, and of nothing else if what is none is left out.
            if "null" in part.model_dump_json(exclude_none=True):
                type(part).model_validate_json(part.model_dump_json())
    except ValidationError as error:
        problems = [
            Problem(".".join(map(str, detail["loc"])), detail["msg"])
            for detail in error.errors(include_url=False, include_context=False)
        ]
        raise RefusedError(f"this is not a valid {kind.__name__}", problems) from error
    return record


def error_response(request: Request, body: ErrorBody) -> Response:
    """Return an error: a page for a browser that asked for a page, JSON for all others."""
    # Of others, too: whether there is such a form (406) depends on what is accepted.
    headers = {"Vary": "Accept"}
    if body.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    api = request.url.path.startswith("/api/")
    if not api and "text/html" in request.headers.get("accept", ""):
        return HTMLResponse(render("error.html", problem=body), body.status, headers)
    return Response(
        body.model_dump_json(exclude_none=True), body.status, headers, "application/json"
    )


def handle_errors(app: FastAPI) -> None:
    """Give every error its one shape."""
    app.add_exception_handler(VopubError, _on_vopub_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)
    app.add_exception_handler(500, _on_defect)


class HeadLikeGet:
    """Answers HEAD where programs may only GET: the same headers, without the body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on as one that gets, and leave out what it gets."""

        async def without_body(message: Message) -> None:
            is_body = message["type"] == "http.response.body"
            await send({**message, "body": b""} if is_body else message)

        is_head = scope["type"] == "http" and scope["method"] == "HEAD"
        if is_head and scope["path"].startswith(PROGRAM_PATHS):
            await self._app({**scope, "method": "GET"}, receive, without_body)
        else:
            await self._app(scope, receive, send)


class SecurityHeaders:
    """Adds the headers that every answer carries, unless it has its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and complete the answer's headers."""

        async def complete(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, complete if scope["type"] == "http" else send)


def _body(request: Request, status: int, error: str, problems: tuple[Problem, ...]) -> ErrorBody:
    details = [
        ErrorDetail(place=p.place, what=p.what[:MOST_DETAIL_TEXT], hint=p.hint)
        for p in problems[:MOST_DETAILS]
    ]
    if len(problems) > MOST_DETAILS:
        details.append(ErrorDetail(what=f"… and {len(problems) - MOST_DETAILS} more"))
    where = request.url.path[:MOST_DETAIL_TEXT]
    return ErrorBody(error=error, detail=tuple(details), status=status, where=where)


def _on_vopub_error(request: Request, error: Exception) -> Response:
    if isinstance(error, OdcError):
        message = f"{error.what}; {error.hint}" if error.hint else error.what
        body = _body(request, error.status, message, error.problems)
        if isinstance(error, GoneError):
            body = body.model_copy(update={"tombstone": error.tombstone})
        response = error_response(request, body)
        if isinstance(error, TooOftenError):
            response.headers["Retry-After"] = str(error.seconds)
        return response
    # Paths of the server are for its operator, not for who asks.
    log.error("%s", error)
    status = 507 if isinstance(error, FileError) else 500
    what = error.what if isinstance(error, VopubError) else "an internal error"
    return error_response(request, _body(request, status, what, ()))


def _on_invalid_request(request: Request, error: Exception) -> Response:
    details = error.errors() if isinstance(error, RequestValidationError) else []
    problems = tuple(Problem(".".join(map(str, d["loc"])), str(d["msg"])) for d in details)
    return error_response(request, _body(request, 422, "the request is not valid", problems))


def _on_http_exception(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    texts = {404: "there is nothing here", 405: f"{request.method} is not possible here"}
    text = texts.get(status) or str(getattr(error, "detail", "")) or "error"
    response = error_response(request, _body(request, status, text, ()))
    for name, value in (getattr(error, "headers", None) or {}).items():
        response.headers[name] = value
    return response


def _on_disconnect(_request: Request, _error: Exception) -> Response:
    return Response(status_code=400)  # nobody is there to read it


def _on_defect(request: Request, _error: Exception) -> Response:
    # The traceback goes to the log by way of the server, which gets the exception again.
    return error_response(request, _body(request, 500, "the service failed; it is logged", ()))
