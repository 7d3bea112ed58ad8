"""What all targets have in common: one interface, and how they are talked to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx

from vopub.errors import FileError, ServiceError, UnreachableError
from vopub.files import cannot
from vopub.model.resource import FileReference, KM3OpenResource
from vopub.odc.answers import Outcome

TIMEOUT = httpx.Timeout(30, read=600, write=600)
NOT_NOW = (429, 502, 503, 504)
MOST_SAID = 300
"""Characters of an answer that an error repeats."""


@dataclass(frozen=True, slots=True)
class Deposit:
    """A resource in another place."""

    key: str
    """What the place calls it; told again when it is deposited again."""
    address: str
    """Page of it there."""
    record: KM3OpenResource
    """As it was written there."""
    outcome: Outcome
    """What became of it there; ``replaced``, too, where a place does not tell what is the same."""
    doi: str = ""
    """The DOI that the place gave it, as far as it is known."""
    published: bool = False
    """Whether it is public; a draft can still be looked at and thrown away."""


class Target(Protocol):
    """A place that resources are registered or deposited in: an ODC, a Dataverse, an InvenioRDM."""

    name: str
    """What it is called where something waits for it."""

    def deposit(
        self, record: KM3OpenResource, products: Path, *, key: str = "", publish: bool = False
    ) -> Deposit:
        """Put a resource with its files there; doing it again changes only what differs.

        Parameters
        ----------
        record
            The resource.
        products
            Directory with its files.
        key
            What the place called it when it was deposited before.
        publish
            Whether to make it public, which cannot be undone; otherwise it stays a draft, where
            a place has drafts.

        Raises
        ------
        UnreachableError
            If the place does not answer; doing it again goes on where it stopped.
        ServiceError, ProofError
            If it refuses, or has other bytes than were sent.
        FileError
            If a file cannot be read, or is not the one of the record.
        """

    def close(self) -> None:
        """Close the connections."""


class Connection:
    """Talks to the REST service of a place.

    Parameters
    ----------
    place
        What people call it.
    url
        Its address.
    headers
        Sent with every request; hold the token.
    transport
        How requests travel; for a server in the same process.
    """

    def __init__(
        self, place: str, url: str, headers: Mapping[str, str],
        transport: httpx.BaseTransport | None = None,
    ) -> None:  # fmt: skip
        self.place = place
        # The environment is not asked for proxies: only settings read it.
        self._http = httpx.Client(
            base_url=url, headers=dict(headers), transport=transport, timeout=TIMEOUT,
            trust_env=False, follow_redirects=False,
        )  # fmt: skip

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """Send a request; return the answer in JSON, empty if there is no body.

        Raises
        ------
        UnreachableError, ServiceError
            As ``Target.deposit``.
        """
        answer = self._send(method, path, **options)
        asked = f"{self.place}: {method} {path}"
        if answer.status_code in NOT_NOW:
            hint = "try later"
            raise UnreachableError(f"{asked} was answered with {answer.status_code}", hint=hint)
        if not answer.is_success:
            said = " ".join(answer.text.split())[:MOST_SAID]
            hint = "check the token" if answer.status_code in (401, 403) else ""
            raise ServiceError(f"{asked} was refused ({answer.status_code}): {said}", hint=hint)
        if not answer.content:
            return {}
        try:
            content = answer.json()
        except ValueError as error:
            raise ServiceError(f"{asked} was answered with something else than JSON") from error
        return content if isinstance(content, dict) else {"entries": content}

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            return self._http.request(method, path, **options)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            what = f"{self.place} does not answer over {method} {path}: {error}"
            raise UnreachableError(what, hint="check the address, or try later") from error


def md5_of(products: Path, file: FileReference) -> str:
    """Return the MD5 that places compare, of a file that is the one of the record.

    Raises
    ------
    FileError
        If it cannot be read, or is not that of the record.
    """
    path = products / file.name
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                md5.update(chunk)
                sha256.update(chunk)
    except OSError as error:
        raise cannot("read", path, error) from error
    if sha256.hexdigest() != file.sha256:
        raise FileError("is not the file of the record", where=path, hint="publish again")
    return md5.hexdigest()
