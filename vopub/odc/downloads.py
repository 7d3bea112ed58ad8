"""Files over HTTP: upload with a checksum, download in whole or in part."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from functools import partial
from typing import Annotated
from uuid import UUID

from anyio import from_thread
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import FileResponse, RedirectResponse
from starlette.exceptions import HTTPException

from vopub.files import CHUNK
from vopub.model.resource import FILE_NAME_PATTERN, SHA256_PATTERN, FileRole, RemoteFile
from vopub.odc.addresses import base_url
from vopub.odc.answers import ErrorBody, Uploaded
from vopub.odc.blobs import too_large
from vopub.odc.conditions import is_known
from vopub.odc.faults import NotFoundError, RefusedError
from vopub.odc.guard import TheGrant
from vopub.odc.signposting import Link
from vopub.odc.store import Store, StoredFile

FILE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"
"""What a file may do when a browser shows it: nothing; SVG needs its own styles."""

FileName = Annotated[str, Path(pattern=rf"^{FILE_NAME_PATTERN}$")]
Digest = Annotated[str | None, Query(pattern=rf"^{SHA256_PATTERN}$")]

router = APIRouter(prefix="/files", tags=["files"], responses={"default": {"model": ErrorBody}})


async def store_of(request: Request) -> Store:
    """Return the store that the application serves."""
    store = request.app.state.store
    if not isinstance(store, Store):
        raise TypeError("the application was made without a store")
    return store


TheStore = Annotated[Store, Depends(store_of)]


@router.put("/{kid}/{name}", status_code=201)
def put_file(
    kid: UUID, name: FileName, grant: TheGrant, request: Request, store: TheStore
) -> Uploaded:
    """Store a file of a resource; the header X-Checksum-SHA256 or Content-Digest says its digest.

    It is served once a record names it.
    """
    store.check_grant(kid, grant)  # before the bytes come; again when they are here
    if what := store.accepted.problem_of_name(name):
        raise RefusedError(what, hint=store.accepted.hint(name))
    most: int = request.app.state.largest_upload
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced) > most:
        raise too_large(most)
    digest = announced_digest(request)
    return store.put_file(kid, name, digest, _chunks(request), most=most, grant=grant)


@router.get(
    "/{kid}/{name}", response_class=FileResponse,
    responses={307: {"description": "The file is kept elsewhere, at the address in Location."}},
)  # fmt: skip
def get_file(
    kid: UUID, name: FileName, request: Request, store: TheStore, sha256: Digest = None
) -> Response:
    """Return a file: the one that the record names, or with ``sha256`` exactly these bytes.

    One that is kept elsewhere is answered with where it is.
    """
    page = f'<{base_url(request)}/resources/{kid}>; rel="collection"; type="text/html"'
    try:
        file = store.get_file(kid, name, sha256)
    except NotFoundError:
        if (remote := _elsewhere(store, kid, name, sha256)) is None:
            raise
        return RedirectResponse(remote.url, 307, {"Link": page, "Cache-Control": "no-cache"})
    headers = _headers(file, pinned=sha256 is not None)
    headers["Link"] = ", ".join([page, *_described(store, kid, name, base_url(request))])
    if is_known(request.headers.get("if-none-match", ""), file.etag):
        return Response(status_code=304, headers=headers)
    _keep_range(request, file)
    disposition = "inline" if file.role is FileRole.PREVIEW else "attachment"
    return FileResponse(
        file.path, headers=headers, media_type=file.media_type, filename=file.name,
        content_disposition_type=disposition,
    )  # fmt: skip


router.head("/{kid}/{name}", include_in_schema=False)(get_file)


def _described(store: Store, kid: UUID, name: str, base: str) -> Iterator[str]:
    """Yield the link to what the columns of a CSV file mean, which it cannot say itself."""
    if not name.endswith(".csv"):
        return
    about = f"{name.removesuffix('.csv')}.metadata.json"
    try:
        file = store.get_file(kid, about)
    except NotFoundError:
        return
    yield str(Link("describedby", f"{base}/files/{kid}/{about}", file.media_type))


def _elsewhere(store: Store, kid: UUID, name: str, sha256: str | None) -> RemoteFile | None:
    """Return the file that the record points at under a name, if its bytes may be these."""
    try:
        record = store.get_resource(kid)
    except NotFoundError:
        return None
    named = (file for file in record.elsewhere if file.name == name)
    return next((file for file in named if sha256 in (None, file.sha256)), None)


def announced_digest(request: Request) -> str:
    """Return the SHA-256 that the sender of a file announces, as 64 hex digits.

    Sources: RFC 9530 (Content-Digest) and the header X-Checksum-SHA256.

    Raises
    ------
    RefusedError
        If there is none, or two that differ.
    """
    said = set()
    if plain := request.headers.get("x-checksum-sha256"):
        said.add(plain.strip().lower())
    for encoded in re.findall(r"sha-256=:([^:]*):", request.headers.get("content-digest", "")):
        said.add(_hex(encoded))
    digest = next(iter(said), "")
    if len(said) != 1 or not re.fullmatch(SHA256_PATTERN, digest):
        hint = "send the header X-Checksum-SHA256 with 64 hexadecimal digits"
        raise RefusedError("the SHA-256 of the file is not announced", hint=hint)
    return digest


def _hex(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).hex()
    except ValueError:
        return ""


def _chunks(request: Request) -> Iterator[bytes]:
    """Yield the body in pieces of about 1 MiB, from a worker thread."""
    pieces = request.stream()
    receive = partial(anext, pieces, None)
    collected = bytearray()
    while (piece := from_thread.run(receive)) is not None:
        collected += piece
        if len(collected) >= CHUNK:
            yield bytes(collected)
            collected.clear()
    yield bytes(collected)


def _headers(file: StoredFile, *, pinned: bool) -> dict[str, str]:
    digest = base64.b64encode(bytes.fromhex(file.sha256)).decode()
    return {
        "ETag": file.etag,
        "Repr-Digest": f"sha-256=:{digest}:",
        "Cache-Control": "public, max-age=31536000, immutable" if pinned else "public, no-cache",
        "Content-Security-Policy": FILE_POLICY,
    }


def _keep_range(request: Request, file: StoredFile) -> None:
    """Leave only a range in the request that can be answered as a single part.

    A header that is not well formed, that asks for several parts or for a range of other bytes
    (If-Range) counts as not sent and gets the whole file, which RFC 9110 (13.1.5, 14.2) allows.

    Raises
    ------
    HTTPException
        416 if the range begins behind the end of the file.
    """
    if request.headers.get("if-range", file.etag) != file.etag:
        return _drop(request, b"range")
    wanted = request.headers.get("range", "").strip()
    found = re.fullmatch(r"bytes=(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))", wanted)
    first, last, suffix = found.groups("") if found else ("", "", "")
    if found is None or (first and last and int(first) > int(last)):
        return _drop(request, b"range")
    if (int(first) >= file.size) if first else (not file.size or int(suffix) == 0):
        headers = {"Content-Range": f"bytes */{file.size}", "Accept-Ranges": "bytes"}
        raise HTTPException(416, f"the file has {file.size} bytes", headers)
    return None


def _drop(request: Request, name: bytes) -> None:
    headers = request.scope["headers"]
    request.scope["headers"] = [(key, value) for key, value in headers if key != name]
