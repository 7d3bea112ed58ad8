"""Under which address a reader reached the service, and from which one."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence

from fastapi import Request
from starlette.exceptions import HTTPException

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def base_url(request: Request) -> str:
    """Return the address that the reader reached the service by, without a slash at its end.

    Raises
    ------
    HTTPException
        400 if the request's Host is not the name of a host.
    """
    public: str = request.app.state.public_url
    if public:
        return public
    host = request.headers.get("host", "")
    if not re.fullmatch(r"([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?", host):
        raise HTTPException(400, "the Host header is not the name of a host")
    return f"{request.url.scheme}://{host}"


def reader_of(request: Request) -> str:
    """Return the address that a request comes from; empty if that is not known.

    A proxy that is trusted tells for whom it asks (``X-Forwarded-For``); whoever else says so is
    not believed.
    """
    peer = request.client.host if request.client else ""
    proxies: Sequence[Network] = request.app.state.proxies
    said = ",".join(request.headers.getlist("x-forwarded-for")) if proxies else ""
    return before_proxies(peer, said.split(",") if said else [], proxies)


def before_proxies(peer: str, forwarded: Sequence[str], proxies: Sequence[Network]) -> str:
    """Return who is the last of those along the way of a request that is no trusted proxy.

    Parameters
    ----------
    peer
        The address that the connection comes from.
    forwarded
        The addresses that were noted on the way; each proxy adds to the end whom it was asked by.
    proxies
        The addresses of those that are trusted to note it.
    """
    found = peer
    for hop in (peer, *reversed(forwarded)):
        address = _address(hop)
        if address is None:  # no more is known than the proxy that was asked by it
            return found
        found = str(address)
        if not any(address in network for network in proxies):
            return found
    return found


def _address(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
