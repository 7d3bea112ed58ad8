"""Record and registry lead to each other; an outage of the Open Data Center is waited out."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
import pyvo

from vopub.events.scale.tally import Tally
from vopub.model.resource import KM3OpenResource, ServiceKind
from vopub.odc.mappings.voresource import read_voresource, reference_url
from vopub.publish.composer import Outcome, Publisher
from vopub.publish.registrations import pending_of
from vopub.publish.stages import Stage
from vopub.resources import read_folder
from vopub.site import Site

from .conftest import Desk

pytestmark = pytest.mark.live


class Outage:
    """Stops the Open Data Center when a publication comes to its registration."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.notes: list[str] = []

    def start(self, resource: str, stage: Stage) -> None:
        self.notes.append(f"{resource}: {stage}")
        if stage is Stage.REGISTER:
            self.site.services[-1].stop()

    def done(self, resource: str, stage: Stage, what: str) -> None:
        self.notes.append(f"{resource}: {stage}: {what}")

    def tell(self, resource: str, tally: Tally) -> None: ...

    def note(self, text: str) -> None:
        self.notes.append(text)


def record_of(desk: Desk, identifier: str) -> KM3OpenResource:
    found = httpx.get(f"{desk.site.odc.url}/api/resources?identifier={identifier}&latest=true")
    kid = found.json()["resources"][0]["kid"]
    answer = httpx.get(f"{desk.site.odc.url}/api/resources/{kid}")
    return KM3OpenResource.model_validate_json(answer.content)


def wait_out(desk: Desk, outage: Outage) -> list[Outcome]:
    """Publish a resource whose registration has to wait."""
    folder = read_folder(Path(desk.settings.resources) / "evts21_01")
    outcomes = Publisher(desk.settings, outage).publish([folder])
    assert [outcome.error for outcome in outcomes] == [None]
    return outcomes


def test_record_and_registry_lead_to_each_other(published: Desk) -> None:
    record = record_of(published, "evts21_01")
    page = f"{published.site.odc.url}/resources/{record.kid}"
    services = {service.kind: service for service in record.services}
    assert set(services) == set(ServiceKind)
    question = {
        "verb": "GetRecord", "metadataPrefix": "ivo_vor",
        "identifier": services[ServiceKind.SCS].ivoid,
    }  # fmt: skip
    answer = httpx.get(f"{published.site.dachs.url}/oai.xml", params=question)
    assert reference_url(answer.content) == page
    told = read_voresource(answer.content)
    assert told["kid"] == str(record.kid)
    assert told["publication"]["title"] == record.publication.title
    assert services[ServiceKind.SCS].url in answer.text
    links = pyvo.dal.adhoc.DatalinkResults.from_result_url(services[ServiceKind.DATALINK].url)
    assert page in [link.access_url for link in links]
    bulk = [service for service in record.services if service.kind is ServiceKind.BULK]
    sizes = {file.name: file.size for file in record.files}
    assert {one.ivoid for one in bulk} == {services[ServiceKind.SCS].ivoid}
    assert {one.url.rpartition(".")[2] for one in bulk} >= {"csv", "vot", "fits", "parquet"}
    for one in bulk:
        assert one.url in answer.text
        size = sizes[one.url.rpartition("/")[2]]
        assert httpx.head(one.url).headers["content-length"] == str(size)
        assert httpx.get(one.url, headers={"Range": "bytes=0-9"}).status_code == 206
    shown = httpx.get(page, headers={"Accept": "text/html"}).text
    for kind in (ServiceKind.SCS, ServiceKind.TAP):
        assert services[kind].url in shown


def test_an_outage_leaves_a_registration_that_the_next_run_delivers(published: Desk) -> None:
    before = record_of(published, "evts21_01")
    published.edit("evts21_01", "Sample from the public package", "A sample from the package")
    outage = Outage(published.site)
    (outcome,) = wait_out(published, outage)
    assert "evts21_01: the next run registers it" in outage.notes
    waiting = list(pending_of(published.site))
    assert [each.record.kid for each in waiting] == [before.kid]
    with pytest.raises(httpx.ConnectError):
        record_of(published, "evts21_01")
    published.publish("evts20_01")
    after = record_of(published, "evts21_01")
    assert after.publication.note.startswith("A sample from the package")
    assert after.services[: len(outcome.services)] == outcome.services
    added = after.services[len(outcome.services) :]
    assert {service.kind for service in added} == {ServiceKind.BULK}
    assert list(pending_of(published.site)) == []
    history = httpx.get(f"{published.site.odc.url}/api/resources/{after.kid}/history").json()
    assert history["changes"][-1]["kind"] == "replaced"
    assert "publication.note" in {d["path"] for d in history["changes"][-1]["differences"]}


def test_a_delivered_record_that_the_registry_does_not_lead_to_is_an_error(
    published: Desk,
) -> None:
    published.edit("evts21_01", "Sample from the public package", "Another sample")
    wait_out(published, Outage(published.site))
    state = published.site.state
    (waiting,) = (state / "pending").iterdir()
    for file in (waiting, state / "evts21_01.json"):
        file.write_text(file.read_text().replace('/evts21_01/q/cone"', '/evts21_01/q/gone"'))
    done = published.run("publish", "--json", "evts20_01")
    assert done.returncode == 4, done.stderr
    other, failed = json.loads(done.stdout)
    assert (other["id"], other["error"]) == ("evts20_01", None)
    assert (failed["id"], failed["kid"]) == ("evts21_01", waiting.stem)
    assert "/evts21_01/q/gone leads to ''" in failed["error"]
    assert list(pending_of(published.site)) == []
    assert record_of(published, "evts21_01").publication.note.startswith("Another sample")
    # Nothing was changed; but the next publication makes anew what did not lead where it should.
    published.publish("evts21_01")
    services = record_of(published, "evts21_01").services
    assert not [one for one in services if one.ivoid.endswith("/gone")]
