"""Writing to and reading from an Open Data Center."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar
from uuid import UUID

import httpx
from pydantic import BaseModel, ValidationError

from vopub.errors import FileError, ServiceError, UnreachableError
from vopub.files import cannot
from vopub.model.ktype import Ktype
from vopub.model.resource import (
    FileReference,
    KM3OpenResource,
    KM3ResourceCollection,
    KM3ResourceStream,
)
from vopub.odc.answers import (
    ErrorBody,
    Health,
    History,
    Outcome,
    ResourceList,
    ResourceSummary,
    Uploaded,
    Written,
)

PAGE = 200
"""How many resources are asked for at a time."""
TIMEOUT = httpx.Timeout(30, read=300)
"""Seconds; the answer to a large upload comes when all its bytes are on disk."""
NOT_NOW = (429, 502, 503, 504)
"""Answers of HTTP that say that trying later may help."""
PATIENCE = 60.0
"""Seconds for which a change is made anew, on what was read anew, if others were faster."""
FIRST_PAUSE, LONGEST_PAUSE = 0.01, 0.25
"""Seconds at most between the first of these attempts, twice as many each time, and at last."""

Answer = TypeVar("Answer", bound=BaseModel)


class OdcClient:
    """A connection to an Open Data Center, to be used in a ``with`` statement or closed.

    Parameters
    ----------
    base_url
        Its address, e.g. ``http://127.0.0.1:8000``.
    token
        The token for writing; not needed for reading.
    transport
        How requests travel; for a server in the same process.

    Notes
    -----
    Every method raises ``ServiceError`` if the server refuses or answers with something else than
    asked for, and its kind ``UnreachableError`` if the server does not answer.
    """

    def __init__(
        self, base_url: str, token: str | None = None, transport: httpx.BaseTransport | None = None
    ) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._url = base_url
        try:
            # The environment is not asked for proxies: only settings read it.
            self._http = httpx.Client(
                base_url=base_url, headers=headers, transport=transport, timeout=TIMEOUT,
                trust_env=False,
            )  # fmt: skip
        except httpx.InvalidURL as error:
            raise ServiceError(f"{base_url!r} is not an address: {error}") from error

    def __enter__(self) -> OdcClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def health(self) -> Health:
        """Return that the service runs, and its version."""
        return _parsed(Health, self._call("GET", "/api/health"))

    def put_file(self, kid: UUID, reference: FileReference, path: Path) -> bool:
        """Upload a file of a resource unless the server has the same bytes already.

        Returns
        -------
        bool
            Whether it was uploaded.

        Raises
        ------
        FileError
            If the file cannot be read.
        """
        address = f"/files/{kid}/{reference.name}"
        asked = self._send("HEAD", address, params={"sha256": reference.sha256})
        if asked.is_success:
            return False
        headers = {"X-Checksum-SHA256": reference.sha256}
        try:
            with path.open("rb") as stream:
                answer = self._call("PUT", address, content=stream, headers=headers)
        except OSError as error:
            raise cannot("read", path, error) from error
        if _parsed(Uploaded, answer).size != reference.size:
            raise FileError(f"has not {reference.size} bytes", where=path, hint="make it again")
        return True

    def page_url(self, kid: UUID) -> str:
        """Return where people look at a resource, once its record is written."""
        return f"{self._url.rstrip('/')}/resources/{kid}"

    def file_url(self, kid: UUID, reference: FileReference) -> str:
        """Return where others get a file of a resource, once its record is written."""
        return f"{self._url.rstrip('/')}/files/{kid}/{reference.name}"

    def wrong_with_file(self, kid: UUID, reference: FileReference) -> str:
        """Say what is wrong with an uploaded file as others get it; empty if nothing is.

        It is asked for by its checksum: how large it is (HEAD), and its last byte alone (Range).
        """
        address, size = f"/files/{kid}/{reference.name}", reference.size
        plain, pinned = {"Accept-Encoding": "identity"}, {"sha256": reference.sha256}
        whole = self._call("HEAD", address, params=pinned, headers=plain)
        if whole.headers.get("content-length") != str(size):
            return f"has {whole.headers.get('content-length')} bytes instead of {size}"
        last = {**plain, "Range": "bytes=-1"}
        part = self._call("GET", address, params=pinned, headers=last)
        came = part.headers.get("content-range")
        return "" if came == f"bytes {size - 1}-{size - 1}/{size}" else "does not come in parts"

    def put_resource(self, record: KM3OpenResource) -> Outcome:
        """Write the record of a resource, after its files were uploaded."""
        return self._put(f"/api/resources/{record.kid}", record)

    def put_stream(self, record: KM3ResourceStream) -> Outcome:
        """Write a stream."""
        return self._put(f"/api/streams/{record.identifier}", record)

    def put_collection(self, record: KM3ResourceCollection) -> Outcome:
        """Write a collection."""
        return self._put(f"/api/collections/{record.identifier}", record)

    def get_resource(self, kid: UUID) -> KM3OpenResource | None:
        """Return a record; None if there is none with this ``kid``, or it was withdrawn."""
        return self._get(KM3OpenResource, f"/api/resources/{kid}")

    def is_withdrawn(self, kid: UUID) -> bool:
        """Tell whether there is a record that was withdrawn."""
        return self._send("GET", f"/api/resources/{kid}").status_code == httpx.codes.GONE

    def get_stream(self, identifier: str) -> KM3ResourceStream | None:
        """Return a stream; None if there is none."""
        return self._get(KM3ResourceStream, f"/api/streams/{identifier}")

    def get_collection(self, identifier: str) -> KM3ResourceCollection | None:
        """Return a collection; None if there is none."""
        return self._get(KM3ResourceCollection, f"/api/collections/{identifier}")

    def change_resource(
        self, kid: UUID, change: Callable[[KM3OpenResource | None], KM3OpenResource | None]
    ) -> Outcome | None:
        """Read a record, change it, and write it unless somebody else wrote it meanwhile.

        Parameters
        ----------
        kid
            The record.
        change
            Takes what was read, None if there is none, and returns what to write, None for nothing.
            It is called again with what there is then if somebody else was faster.

        Returns
        -------
        Outcome or None
            What writing did; None if nothing was to be written.

        Raises
        ------
        ServiceError
            If others were faster for a minute, each time.
        """
        return self._change(KM3OpenResource, f"/api/resources/{kid}", change)

    def change_collection(
        self, identifier: str,
        change: Callable[[KM3ResourceCollection | None], KM3ResourceCollection | None],
    ) -> Outcome | None:  # fmt: skip
        """Read a collection, change it, and write it; as ``change_resource``."""
        return self._change(KM3ResourceCollection, f"/api/collections/{identifier}", change)

    def find(
        self, q: str = "", ktype: Ktype | None = None, *, collection: str = "",
        identifier: str = "", latest: bool = False,
    ) -> list[ResourceSummary]:  # fmt: skip
        """Return every resource that matches all that is given, by identifier, newest first.

        Parameters
        ----------
        q
            Words that all occur in title, description, identifier or names of parameters.
        ktype
            Kind of content.
        collection, identifier
            What it belongs to; its own name.
        latest
            Whether to leave out older versions.
        """
        wanted: dict[str, Any] = {"q": q, "collection": collection, "identifier": identifier}
        wanted |= {"latest": latest, **({"ktype": ktype.value} if ktype else {})}
        return list(self._pages(wanted))

    def delete_resource(self, kid: UUID, *, reason: str) -> None:
        """Withdraw a resource."""
        self._call("DELETE", f"/api/resources/{kid}", params={"reason": reason})

    def restore_resource(self, kid: UUID, *, reason: str) -> None:
        """Bring a withdrawn resource back."""
        self._call("POST", f"/api/resources/{kid}/restore", params={"reason": reason})

    def history(self, kid: UUID) -> History:
        """Return every change of a resource."""
        return _parsed(History, self._call("GET", f"/api/resources/{kid}/history"))

    def _pages(self, wanted: dict[str, Any]) -> Iterator[ResourceSummary]:
        cursor = ""
        while True:
            params = {**wanted, "limit": PAGE, "cursor": cursor}
            page = _parsed(ResourceList, self._call("GET", "/api/resources", params=params))
            yield from page.resources
            if not (cursor := page.later):
                return

    def _change(
        self, kind: type[Answer], address: str, change: Callable[[Answer | None], Answer | None]
    ) -> Outcome | None:
        # Not packed: a proxy that packs answers itself weakens their tags, and those match nothing.
        plain = {"Accept-Encoding": "identity"}
        # Whoever is too late was so because another was in time: by number of attempts, one of many
        # could be told so again and again while they still all get on.
        end, pause = time.monotonic() + PATIENCE, FIRST_PAUSE
        while time.monotonic() < end:
            answer = self._send("GET", address, headers=plain)
            known = _present(kind, answer)
            wanted = change(known)
            if wanted is None:
                return None
            condition = {"If-None-Match": "*"} if known is None else {"If-Match": _tag(answer)}
            written = self._send_record(address, wanted, condition)
            if written.status_code != httpx.codes.PRECONDITION_FAILED:
                return _parsed(Written, _accepted(written)).outcome
            # Those who want the same meet less often if each waits for another time.
            time.sleep(random.uniform(0, pause))  # noqa: S311
            pause = min(2 * pause, LONGEST_PAUSE)
        what = f"for {PATIENCE:g} s others changed {address} whenever it was to be changed"
        raise ServiceError(what, where=self._url, hint="try again")

    def _put(self, address: str, record: BaseModel) -> Outcome:
        return _parsed(Written, _accepted(self._send_record(address, record))).outcome

    def _send_record(
        self, address: str, record: BaseModel, condition: Mapping[str, str] | None = None
    ) -> httpx.Response:
        headers = {"Content-Type": "application/json", **(condition or {})}
        body = record.model_dump_json().encode()
        return self._send("PUT", address, content=body, headers=headers)

    def _get(self, kind: type[Answer], address: str) -> Answer | None:
        return _present(kind, self._send("GET", address))

    def _call(self, method: str, address: str, **options: Any) -> httpx.Response:
        return _accepted(self._send(method, address, **options))

    def _send(self, method: str, address: str, **options: Any) -> httpx.Response:
        """Send a request; the only place that knows how httpx fails."""
        try:
            return self._http.request(method, address, **options)
        except httpx.ConnectError as error:
            hint = "start it with 'vopub up', or check the address"
            what = f"the Open Data Center at {self._url} does not answer"
            raise UnreachableError(what, hint=hint) from error
        except httpx.TimeoutException as error:
            what = f"the Open Data Center at {self._url} took too long over {method} {address}"
            raise UnreachableError(what, hint="try again") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            what = f"the Open Data Center at {self._url} failed over {method} {address}: {error}"
            raise UnreachableError(what, hint="see its log") from error


def _accepted(answer: httpx.Response) -> httpx.Response:
    """Return an answer that is a success.

    Raises
    ------
    ServiceError
        With what the server says is wrong.
    """
    if answer.is_success:
        return answer
    request = answer.request
    if answer.status_code in NOT_NOW:
        what = f"{request.url.host} cannot take {request.method} {request.url.path} now"
        raise UnreachableError(f"{what} (status {answer.status_code})", hint="try later")
    asked = f"{request.method} {request.url.path}"
    try:
        body = ErrorBody.model_validate_json(answer.content)
    except ValidationError:
        raise ServiceError(f"{asked} was answered with status {answer.status_code}") from None
    details = "; ".join(f"{d.place}: {d.what}" if d.place else d.what for d in body.detail)
    what = f"{asked} was refused: {body.error}" + (f": {details}" if details else "")
    hint = "check the token" if body.status == 401 else ""
    raise ServiceError(what, hint=hint)


def _present(kind: type[Answer], answer: httpx.Response) -> Answer | None:
    """Return a record; None if there is none, or it was withdrawn."""
    return None if answer.status_code in (404, 410) else _parsed(kind, _accepted(answer))


def _tag(answer: httpx.Response) -> str:
    """Return the entity tag of what was read."""
    try:
        return answer.headers["ETag"]
    except KeyError:
        what = f"{answer.request.url} has no ETag, without which a change could undo another's"
        hint = "is this the address of an Open Data Center?"
        raise ServiceError(what, hint=hint) from None


def _parsed(kind: type[Answer], answer: httpx.Response) -> Answer:
    try:
        return kind.model_validate_json(answer.content)
    except ValidationError as error:
        what = f"{answer.request.url} is no {kind.__name__}: {error.errors()[0]['msg']}"
        raise ServiceError(what, hint="is this the address of an Open Data Center?") from error
