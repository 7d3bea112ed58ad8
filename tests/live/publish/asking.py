"""Asking the services of a published resource."""

from __future__ import annotations

import httpx

from .conftest import Desk

ID = "evts21_01"
QUERY = f"SELECT * FROM {ID}.events"
SKY = {"RA": "0", "DEC": "0", "SR": "180", "VERB": "3", "MAXREC": "10000"}


def get(shop: Desk, path: str, **question: str) -> httpx.Response:
    answer = httpx.get(f"{shop.settings.site.dachs_url}/{path}", params=question, timeout=60)
    assert answer.status_code == 200, answer.text[:500]
    return answer


def cone(shop: Desk, **more: str) -> bytes:
    return get(shop, f"{ID}/q/cone/scs.xml", **SKY, **more).content


def tap(shop: Desk, form: str = "votable", query: str = QUERY) -> bytes:
    question = {"REQUEST": "doQuery", "LANG": "ADQL", "QUERY": query, "FORMAT": form}
    return get(shop, "tap/sync", **question).content
