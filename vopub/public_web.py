"""Asking addresses that others wrote, without being led to where nobody outside may look.

A record can name any address, and whoever answers can send on to any other. So every host is
resolved here, all of its addresses must be public, and the connection goes to one of those that
were looked at: a name that changes its address in between leads nowhere else.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urljoin

import httpx

from vopub import __version__

MOST_REDIRECTS = 5
PATIENCE = 10.0
"""Seconds to wait for a connection, and for each piece of an answer."""
EMBEDDING = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "2002::/16", "2001::/32")))
"""IPv6 addresses that lead to any IPv4 address. Source: RFC 6052, RFC 3056, RFC 4380."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine, as only this machine sees it."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.rstrip(".") == "localhost" or host.endswith(".localhost")


class NotPublicError(Exception):
    """An address is none that may be asked; nothing was sent there."""


class SilentError(Exception):
    """Nothing answers there."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server says to which an address leads at last."""

    status: int
    """Of HTTP."""
    size: int | None
    """Bytes that it announces; None if it does not."""


class PublicTransport(httpx.BaseTransport):
    """Carries requests to public addresses only, whatever a client is sent on to.

    Parameters
    ----------
    loopback
        Whether this machine itself may be asked, too.
    """

    def __init__(self, *, loopback: bool) -> None:
        self._loopback = loopback
        self._inner = httpx.HTTPTransport(trust_env=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request.

        Raises
        ------
        NotPublicError
            If it would lead anywhere else.
        httpx.HTTPError
            If its host has no address, or does not answer.
        """
        target = request.url
        if target.scheme not in ("http", "https"):
            raise NotPublicError(f"leads to {target.scheme!r}, which is not asked")
        address = self._resolve(target)
        name = {"sni_hostname": target.raw_host.decode("ascii")}
        request.extensions = {**request.extensions, **name}
        # The header Host was made before, of the name.
        request.url = target.copy_with(host=str(address), username=None, password=None)
        try:
            return self._inner.handle_request(request)
        finally:
            request.url = target

    def close(self) -> None:
        """Let the connections go."""
        self._inner.close()

    def _resolve(self, target: httpx.URL) -> Address:
        """Return an address of a host, all of whose addresses may be asked."""
        port = target.port or {"http": 80, "https": 443}[target.scheme]
        host = target.raw_host.decode("ascii").strip("[]")
        try:
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError(str(error)) from error
        found = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in entries]
        for address in found:
            if not self._may_ask(address):
                what = f"leads to {address} ({target.host}), which is not public; it was not asked"
                raise NotPublicError(what)
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


class PublicWeb:
    """Asks addresses whether they answer.

    Parameters
    ----------
    loopback
        Whether this machine itself may be asked, too.
    patience
        Seconds to wait for a connection, and for each piece of an answer.
    """

    def __init__(self, *, loopback: bool, patience: float = PATIENCE) -> None:
        self._client = httpx.Client(
            transport=PublicTransport(loopback=loopback), timeout=patience, trust_env=False,
            headers={"User-Agent": f"vopub/{__version__}"},
        )  # fmt: skip

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()

    def ask(self, url: str) -> Answer:
        """Return what is answered where an address leads at last; the content is not read.

        Raises
        ------
        NotPublicError
            If it leads to where nobody outside may look.
        SilentError
            If nothing answers.
        """
        try:
            return self._follow(url)
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise SilentError(f"does not answer: {error or type(error).__name__}") from error

    def _follow(self, url: str) -> Answer:
        for _ in range(MOST_REDIRECTS + 1):
            answer, onward = self._ask("HEAD", url)
            if answer.status >= 400:  # many servers know only GET
                answer, onward = self._ask("GET", url)
            if not onward:
                return answer
            url = urljoin(url, onward)
        raise httpx.TooManyRedirects(f"more than {MOST_REDIRECTS} redirections")

    def _ask(self, method: str, url: str) -> tuple[Answer, str]:
        """Return the answer, and where it sends on."""
        headers = {"Accept-Encoding": "identity"}
        request = self._client.build_request(method, url, headers=headers)
        answer = self._client.send(request, auth=None, stream=True)
        answer.close()
        announced = answer.headers.get("content-length", "")
        size = int(announced) if announced.isascii() and announced.isdigit() else None
        onward = answer.headers.get("Location", "") if answer.is_redirect else ""
        return Answer(answer.status_code, size), onward
