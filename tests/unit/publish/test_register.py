"""Records that publishers change at the same time, and what does not answer any more."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest

from tests.unit.odc.conftest import ROOT, TOKEN, Server, make_record
from vopub.model.resource import KM3OpenResource
from vopub.odc.client import OdcClient
from vopub.publish.archive import Archive
from vopub.publish.register import register_collections, withhold_dead
from vopub.settings import Settings
from vopub.site import Site
from vopub.vo.known_events import KnownEvent, KnownEvents

from .test_archive import publication

KNOWN = KnownEvents(events=(KnownEvent(values={"event_id": "a", "ra": 10.0, "dec": 5.0}),))
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def test_publishers_at_the_same_time_lose_none_of_their_members(server: Server) -> None:
    published = [[uuid4() for _ in range(20)] for _ in range(4)]

    def publish(kids: list[UUID]) -> None:
        with OdcClient(server.url, TOKEN) as client:
            for kid in kids:
                register_collections(client, ROOT / "resources", {"samples26_01": [kid]})

    with ThreadPoolExecutor(len(published)) as pool:
        list(pool.map(publish, published))
    with OdcClient(server.url) as client:
        collection = client.get_collection("samples26_01")
    assert collection is not None
    assert sorted(collection.resources) == sorted(kid for kids in published for kid in kids)


def publish(site: Site, work: Path, version: str) -> KM3OpenResource:
    """Leave in the archive and in the Open Data Center what was published with services."""
    record = make_record(version=version, files=[])
    services = tuple(each.model_copy(update={"proved": LONG_AGO}) for each in record.services)
    record = record.model_copy(update={"services": services})
    made = publication(work, rows=226)
    state = made.state.model_copy(update={"kid": record.kid, "services": services})
    build = made.build.model_copy(update={"known": KNOWN})
    archive = Archive(site.archive / "evts21_01")
    archive.prepare(replace(made, state=state, build=build, record=record))
    archive.advance(keep=False)
    with OdcClient(site.odc.url, TOKEN) as client:
        client.put_resource(record)
    return record


def written(site: Site, record: KM3OpenResource) -> KM3OpenResource:
    with OdcClient(site.odc.url) as client:
        found = client.get_resource(record.kid)
    assert found is not None
    return found


def test_services_that_do_not_answer_are_taken_out_of_the_record_once(
    chosen: Settings, tmp_path: Path
) -> None:
    site, notes = Site(chosen), list[str]()
    record = publish(site, tmp_path, "1.1")
    for _ in range(2):
        withhold_dead(site, "evts21_01", notes.append)
        assert written(site, record) == record.model_copy(update={"services": ()})
    assert notes == ["evts21_01: its services do not answer and were taken out of its record"]


def test_what_another_publisher_writes_meanwhile_is_kept(
    chosen: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(chosen)
    record = publish(site, tmp_path, "1.2")
    now = datetime.now(UTC) + timedelta(minutes=1)
    alive = record.services[0].model_copy(update={"proved": now})
    theirs = record.model_copy(update={"rows": 7, "services": (alive, *record.services[1:])})
    way = Overtaken(site.odc.url, theirs)
    monkeypatch.setattr(
        "vopub.publish.register.connect", lambda server: OdcClient(server.url, TOKEN, way)
    )
    withhold_dead(site, "evts21_01", lambda _: None)
    assert written(site, record) == theirs.model_copy(update={"services": (alive,)})


class Overtaken(httpx.HTTPTransport):
    """A way to a server on which somebody else is faster with the first record."""

    def __init__(self, url: str, theirs: KM3OpenResource) -> None:
        super().__init__()
        self._url, self._theirs = url, [theirs]

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "PUT" and self._theirs:
            with OdcClient(self._url, TOKEN) as other:
                other.put_resource(self._theirs.pop())
        return super().handle_request(request)
