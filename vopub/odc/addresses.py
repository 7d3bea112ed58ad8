"""Under which address a reader reached the service."""

from __future__ import annotations

import re

from fastapi import Request
from starlette.exceptions import HTTPException


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
