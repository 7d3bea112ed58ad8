"""Registrations that waited, and where they lead once a later run delivers them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from tests.unit.odc.conftest import make_record, products
from vopub.errors import ProofError
from vopub.model.resource import KM3OpenResource
from vopub.odc.client import OdcClient
from vopub.publish.archive import Archive
from vopub.publish.composer import Outcome, Publisher
from vopub.publish.registrations import Registration, pending_of
from vopub.publish.state import write_state
from vopub.settings import Settings
from vopub.site import Site

from .test_archive import publication, state
from .test_deposit import Said


def let_wait(site: Site, work: Path, record: KM3OpenResource) -> None:
    """Leave what a publication leaves whose registration has to wait."""
    work.mkdir()
    made = publication(work, rows=226)
    files = products(record.identifier)
    for file in files:
        (made.products / file.reference.name).write_bytes(file.content)
    # No collection, so that there is nothing of it in the VO that DaCHS would have to be told.
    description = made.description.model_copy(update={"collection": ""})
    archive = Archive(site.archive / record.identifier)
    archive.prepare(replace(made, description=description, record=record))
    archive.advance(keep=False)
    known = state(record.identifier, record.publication.version)
    write_state(
        site.state,
        known.model_copy(update={"kid": record.kid, "services": record.services}),
    )
    pending_of(site).add(
        Registration(
            record=record, products=made.products, queued=datetime.now(UTC), reason="it was away"
        )
    )


def next_run(chosen: Settings) -> list[Outcome]:
    """Do what a run of ``vopub publish`` does after its resources; return what failed."""
    return Publisher(chosen, Said())._collected([], [])


def test_what_was_delivered_and_is_not_led_to_is_told_and_undoes_nothing_else(
    chosen: Settings, tmp_path: Path
) -> None:
    site = Site(chosen)
    lost = make_record("evts21_01", version="1.0")
    good = make_record("evts20_01", version="1.0", services=())
    for record in (lost, good):
        let_wait(site, tmp_path / record.identifier, record)
    (failed,) = next_run(chosen)
    assert (failed.id, failed.version, failed.kid) == ("evts21_01", "1.0", lost.kid)
    assert isinstance(failed.error, ProofError)
    assert str(failed.error).startswith(
        "evts21_01: the VO and the Open Data Center do not lead to each other: "
        f"the registry does not tell of {lost.services[0].ivoid}: "
    )
    assert "\n" not in str(failed.error)
    assert list(pending_of(site)) == []
    with OdcClient(site.odc.url) as client:
        assert client.get_resource(lost.kid) is not None
        assert client.get_resource(good.kid) == good
        collection = client.get_collection(good.collection)
    assert collection is not None
    assert collection.resources == (good.kid,)
    assert next_run(chosen) == []
