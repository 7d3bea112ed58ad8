"""Every VOTable tells where its data come from, as the IVOA note "Data Origin" has it."""

from __future__ import annotations

import io

import httpx
import pytest
from astropy.io.votable import parse
from astropy.io.votable.dataorigin import DataOrigin, extract_data_origin

from vopub.model.description import ResourceDescription

from .asking import ID, cone, tap
from .conftest import Desk

pytestmark = pytest.mark.live


@pytest.mark.parametrize("way", ["cone search", "TAP"])
def test_answers_tell_where_the_data_come_from(
    shop: Desk, said: ResourceDescription, way: str
) -> None:
    origin = extract_data_origin(
        parse(io.BytesIO(cone(shop) if way == "cone search" else tap(shop)))
    )
    (dataset,) = origin.origin
    publication, publisher = said.publication, shop.settings.publisher
    assert dataset.data_ivoid == [f"ivo://{publisher.authority}/{ID}/q/cone"]
    assert dataset.creator == [creator.name for creator in publication.creators]
    assert dataset.rights == [publication.licence]
    assert dataset.rights_uri == [publication.licence_url]
    assert dataset.resource_version == [publication.version]
    assert dataset.publication_date == [publication.created.isoformat()]
    assert publication.reference_url in dataset.reference_url
    assert origin.query.publisher == publisher.publisher
    assert origin.query.contact == publisher.contact.email
    service = dataset.data_ivoid[0] if way == "cone search" else tap_ivoid(shop)
    assert_asked(origin, service)


def tap_ivoid(shop: Desk) -> str:
    return f"ivo://{shop.settings.publisher.authority}/tap"


def assert_asked(origin: DataOrigin, service: str) -> None:
    assert origin.query.service_ivoid == service
    assert origin.query.server_software.startswith("DaCHS/")
    assert origin.query.request_date.endswith("Z")


@pytest.mark.parametrize(
    "tables",
    ["ivoa.obscore", "ivoa.obscore_hea", "ivoa.datalinks",
     "ivoa.obscore NATURAL JOIN ivoa.obscore_hea"],
)  # fmt: skip
def test_tables_of_observations_tell_who_published_them(shop: Desk, tables: str) -> None:
    body = tap(shop, query=f"SELECT TOP 1 * FROM {tables}")
    origin = extract_data_origin(parse(io.BytesIO(body)))
    assert origin.query.publisher == shop.settings.publisher.publisher
    assert origin.query.contact == shop.settings.publisher.contact.email
    assert_asked(origin, tap_ivoid(shop))


def test_joined_tables_tell_where_both_come_from(shop: Desk, said: ResourceDescription) -> None:
    body = tap(shop, query=f"SELECT TOP 1 * FROM {ID}.events JOIN {ID}.runs USING (run_id)")
    (dataset,) = extract_data_origin(parse(io.BytesIO(body))).origin
    assert dataset.data_ivoid == [f"ivo://{shop.settings.publisher.authority}/{ID}/q/cone"]
    assert dataset.creator == [creator.name for creator in said.publication.creators]


def test_datalink_document_tells_where_its_data_set_comes_from(
    shop: Desk, said: ResourceDescription
) -> None:
    links = f"{shop.settings.site.dachs_url}/datasets/q/links/dlmeta"
    name = f"ivo://{shop.settings.publisher.authority}/{ID}/q/cone"
    asked = {"ID": [f"{name}?events", f"{name}?bundle", "ivo://example.invalid/nothing"]}
    answer = httpx.get(links, params=asked, timeout=60)
    origin = extract_data_origin(parse(io.BytesIO(answer.content)))
    (dataset,) = origin.origin
    assert dataset.data_ivoid == [name]
    assert dataset.creator == [creator.name for creator in said.publication.creators]
    assert origin.query.publisher == shop.settings.publisher.publisher
    assert origin.query.server_software.startswith("DaCHS/")
    nobody = httpx.get(links, params={"ID": "ivo://example.invalid/nothing"}, timeout=60).text
    assert "creator" not in nobody
    assert shop.settings.publisher.publisher in nobody
