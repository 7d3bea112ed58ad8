"""What strangers ask, and what they are told."""

from __future__ import annotations

import threading
from pathlib import Path

import httpx
from lxml import etree

from vopub.site import Site, processes

TABLE = "evts21_01.events"
PATIENCE = 120
MOST_TAP, MOST_CONE = 400, 200
ENDLESS = (
    f"SELECT COUNT(*) FROM {TABLE} a, {TABLE} b, {TABLE} c, {TABLE} d, {TABLE} e"
    " WHERE a.energy + b.energy + c.energy + d.energy + e.energy > 1e99"
)


class Onlooker(threading.Thread):
    """Notes every command line on this machine while something happens."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.seen: set[str] = set()
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.05):
            self.seen |= {" ".join(processes.command_line(int(entry.name)))
                          for entry in Path("/proc").iterdir() if entry.name.isdigit()}  # fmt: skip


def tap(site: Site, query: str, **more: str) -> httpx.Response:
    form = {"LANG": "ADQL", "QUERY": query, **more}
    return httpx.post(f"{site.dachs.url}/tap/sync", data=form, timeout=PATIENCE)


def cone(site: Site, **changed: str | int) -> httpx.Response:
    question: dict[str, str | int] = {"RA": 0, "DEC": 0, "SR": 180, **changed}
    url = f"{site.dachs.url}/evts21_01/q/cone/scs.xml"
    return httpx.get(url, params=question, timeout=PATIENCE)


def status(answer: httpx.Response) -> str:
    """Return what an answer says of itself: it has to be a VOTable, whatever was asked."""
    infos = list(etree.fromstring(answer.content).iter("{*}INFO"))
    said = [info.get("value") for info in infos if info.get("name") == "QUERY_STATUS"]
    return "ERROR" if any(info.get("name") == "Error" for info in infos) else str(said[-1])


def rows(answer: httpx.Response) -> int:
    return len(answer.text.splitlines()) - 1
