"""Asking our own servers, never through a proxy.

Variables such as ``http_proxy`` are about the way to the rest of the world. Whoever obeys them on
the way to a server of our own proves what the proxy says, and may tell it a password.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from requests import Session

REQUEST_PATIENCE = 60.0
"""Seconds that a request to the running server may take."""


def ask(
    address: str,
    params: Mapping[str, str] | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    login: tuple[str, str] | None = None,
    follow: bool = False,
) -> httpx.Response:
    """Ask one of our servers for a page.

    Parameters
    ----------
    address, params, headers
        What to ask for.
    login
        Name and password.
    follow
        Whether to go where it leads.

    Raises
    ------
    httpx.HTTPError
        If it does not answer.
    """
    return httpx.get(
        address, params=params, headers=headers, auth=login, follow_redirects=follow,
        timeout=REQUEST_PATIENCE, trust_env=False,
    )  # fmt: skip


def direct_session() -> Session:
    """Return what pyvo asks our servers with."""
    from pyvo.utils.http import create_session  # noqa: PLC0415 - takes a second

    session: Session = create_session()
    session.trust_env = False
    return session
