"""The one shape of the service's errors."""

from __future__ import annotations

from typing import Any

import httpx

KID = "1da4d63c-fc6a-5e1c-a749-8d7a3efd9196"
"""Of no resource."""


def check_error(answer: httpx.Response) -> dict[str, Any]:
    """Look whether an answer is an error as all are; return what it says."""
    body: dict[str, Any] = answer.json()
    assert set(body) - {"tombstone"} == {"error", "detail", "status", "where"}
    assert body["status"] == answer.status_code >= 400
    assert all(set(detail) == {"place", "what", "hint"} for detail in body["detail"])
    return body
