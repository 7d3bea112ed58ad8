"""Asking whether links answer, without being led to where nobody outside may look.

A description can name any address, and whoever answers can send on to any other. So every host is
resolved here, all of its addresses must be public, and the connection goes to one of those that
were looked at: a name that changes its address in between leads nowhere else.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urljoin

import httpx

from vopub import __version__
from vopub.publish.checks.finding import Case, Rule, Spot
from vopub.publish.checks.licences import LICENCES, addresses, same_address
from vopub.publish.checks.publication import DOI
from vopub.publish.checks.publisher import is_loopback
from vopub.publish.checks.registry import ERROR, WARNING, declare
from vopub.settings import Settings

SILENT = declare("VP801", WARNING, "a link does not answer")
FORBIDDEN = declare("VP802", ERROR, "a link leads into a private network")

MOST_REDIRECTS = 5
PATIENCE = 10.0
"""Seconds to wait for a connection, and for each piece of an answer."""
EMBEDDING = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "2002::/16", "2001::/32")))
"""IPv6 addresses that lead to any IPv4 address. Source: RFC 6052, RFC 3056, RFC 4380."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Link:
    """An address that somebody wrote, and where."""

    place: str
    url: str


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with a link."""

    rule: Rule
    what: str

    def spot(self, link: Link) -> Spot:
        """Return it where the link stands."""
        return Spot(link.place, self.what, link.url)


class _ForbiddenError(Exception):
    """An address is none that may be asked."""


def links_of(case: Case) -> Iterator[Link]:
    """Yield the links of a resource; known addresses of known licences need no asking."""
    publication = case.publication
    if publication.reference_url:
        yield Link("publication.reference_url", publication.reference_url)
    licence, url = publication.licence, publication.licence_url
    known = addresses(licence) if licence in LICENCES else ()
    if not any(same_address(url, own) for own in known):
        yield Link("publication.licence_url", url)
    for number, related in enumerate(publication.related):
        place, name = f"publication.related.{number}.identifier", related.identifier
        if name.startswith(("http://", "https://")):
            yield Link(place, name)
        elif DOI.fullmatch(name):
            yield Link(place, f"https://doi.org/{name.lower().removeprefix('doi:')}")


def links_of_settings(settings: Settings) -> Iterator[Link]:
    """Yield the links of the settings."""
    yield Link("publisher.reference_url", settings.publisher.reference_url)


class Asker:
    """Asks links, each once.

    Parameters
    ----------
    settings
        Addresses of this machine itself are asked only if the site is seen from it alone.
    patience
        Seconds to wait for a connection, and for each piece of an answer.
    """

    def __init__(self, settings: Settings, *, patience: float = PATIENCE) -> None:
        self._loopback = is_loopback(settings.site.public_host or settings.site.host)
        self._client = httpx.Client(
            timeout=patience, trust_env=False, headers={"User-Agent": f"vopub/{__version__}"}
        )
        self._known: dict[str, Complaint | None] = {}

    def complaint(self, url: str) -> Complaint | None:
        """Return what is wrong with a link; None if it answers."""
        if url not in self._known:
            self._known[url] = self._look(url)
        return self._known[url]

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()

    def _look(self, url: str) -> Complaint | None:
        try:
            status = self._follow(url)
        except _ForbiddenError as error:
            return Complaint(FORBIDDEN, str(error))
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            return Complaint(SILENT, f"does not answer: {error or type(error).__name__}")
        return None if status < 400 else Complaint(SILENT, f"answers with status {status}")

    def _follow(self, url: str) -> int:
        """Return the status of the page that a link leads to at last."""
        for _ in range(MOST_REDIRECTS + 1):
            status, onward = self._ask("HEAD", url)
            if status >= 400:  # many servers know only GET
                status, onward = self._ask("GET", url)
            if not onward:
                return status
            url = urljoin(url, onward)
        raise httpx.TooManyRedirects(f"more than {MOST_REDIRECTS} redirections")

    def _ask(self, method: str, url: str) -> tuple[int, str]:
        """Return the status, and where it sends on; what it answers with is not read."""
        target = httpx.URL(url)
        if target.scheme not in ("http", "https"):
            raise _ForbiddenError(f"leads to {target.scheme!r}, which is not asked")
        address = self._resolve(target)
        request = self._client.build_request(
            method,
            target.copy_with(host=str(address), username=None, password=None),
            headers={"Host": target.netloc.decode("ascii")},
            extensions={"sni_hostname": target.raw_host.decode("ascii")},
        )
        answer = self._client.send(request, stream=True)
        answer.close()
        return answer.status_code, answer.headers.get("Location", "") if answer.is_redirect else ""

    def _resolve(self, target: httpx.URL) -> Address:
        """Return an address of a host, all of whose addresses may be asked."""
        port = target.port or {"http": 80, "https": 443}[target.scheme]
        host = target.raw_host.decode("ascii").strip("[]")
        entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        found = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in entries]
        for address in found:
            if not self._may_ask(address):
                what = f"leads to {address} ({target.host}), which is not public; it was not asked"
                raise _ForbiddenError(what)
        return found[0]

    def _may_ask(self, address: Address) -> bool:
        if isinstance(address, ipaddress.IPv6Address):
            if address.ipv4_mapped is not None:
                return self._may_ask(address.ipv4_mapped)
            if any(address in network for network in EMBEDDING):
                return False
        if address.is_loopback:
            return self._loopback
        return address.is_global and not address.is_multicast
