"""One field of what a person writes is changed, and everything that has it changes with it."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from vopub.formats.fits_header import primary
from vopub.formats.header import header_rows, metadata_json
from vopub.formats.votable_header import votable_header
from vopub.model.dataset import TableMetadata
from vopub.model.ktype import Ktype
from vopub.model.publication import Contact, Contributor, Creator, Publication, Related
from vopub.model.resource import KM3OpenResource
from vopub.odc.mappings.datacite import datacite_xml
from vopub.odc.mappings.dcat import dcat
from vopub.odc.mappings.schema_org import schema_org
from vopub.odc.mappings.voresource import voresource_xml
from vopub.vo.collection import render_collection
from vopub.vo.descriptor import render_descriptor
from vopub.vo.known_events import known_events

SAMPLES = Path(__file__).parents[1] / "vo" / "samples.py"
BASE = "https://odc.example.org"

FIELDS: Mapping[str, tuple[Any, str]] = {
    "title": ("Another title of these events", "Another title of these events"),
    "description": ("Quite another description of these events, long enough.", "Quite another"),
    "version": ("7.31", "7.31"),
    "created": ("2027-03-04", "2027-03-04"),
    "creators": ((Creator(name="Somebody Else"),), "Somebody Else"),
    "contributors": ((Contributor(name="Some Helper", role="DataCurator"),), "Some Helper"),
    "publisher": ("Another publisher", "Another publisher"),
    "owner": ("Another owner", "Another owner"),
    "contact": (
        Contact(name="whoever@example.org", email="whoever@example.org"),
        "whoever@example.org",
    ),
    "licence": ("CC0-1.0", "CC0-1.0"),
    "licence_url": ("https://example.org/terms", "https://example.org/terms"),
    "subjects": (("high-energy-astronomy",), "high-energy-astronomy"),
    "facility": ("ANTARES", "ANTARES"),
    "instrument": ("ARCA21", "ARCA21"),
    "messenger": ("Photon", "Photon"),
    "reference_url": ("https://example.org/about", "https://example.org/about"),
    "doi": ("10.5072/another", "10.5072/another"),
    "source": ("2016JPhG...43h4001A", "2016JPhG...43h4001A"),
    "related": ((Related(relation="Cites", identifier="10.5072/cited"),), "10.5072/cited"),
    "note": ("Another note to be read first.", "Another note to be read first."),
}
"""A new value of each field, and what is to be seen of it."""

OF_ITS_OWN = {"description", "version", "reference_url", "doi"}
IN_A_TABLE = {"description", "contributors", "owner", "subjects", "messenger", "related"}
"""What FITS files have in a table after the events, as JSON."""
OF_ITS_PARTS = {"source", "related", "note"}


@pytest.fixture(scope="module")
def unchanged(samples: ModuleType) -> dict[str, str]:
    """The outputs as they are before anything is changed."""
    return {name: make(samples, samples.metadata()) for name, (make, _) in OUTPUTS.items()}


@pytest.fixture(scope="module")
def samples() -> ModuleType:
    spec = importlib.util.spec_from_file_location("vo_samples_here", SAMPLES)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def record(metadata: TableMetadata) -> KM3OpenResource:
    return KM3OpenResource(
        kid=metadata.kid, identifier=metadata.identifier, ktype=Ktype.EVENTS,
        publication=metadata.publication, data_taking=metadata.data_taking,
        parameters=metadata.parameters, rows=metadata.rows,
    )  # fmt: skip


def events(samples: ModuleType, metadata: TableMetadata) -> str:
    return render_descriptor(
        metadata, samples.vo(), authority="a.b", data_file="x.csv",
        known=known_events(samples.table()),
    )  # fmt: skip


def collection(samples: ModuleType, metadata: TableMetadata) -> str:
    return render_collection(samples.collection(), [metadata], authority="a.b")


Output = Callable[[ModuleType, TableMetadata], str]
OUTPUTS: Mapping[str, tuple[Output, set[str]]] = {
    "descriptor of events": (events, set()),
    "descriptor of a collection": (collection, OF_ITS_OWN | OF_ITS_PARTS),
    "header of tables": (lambda _, m: str(list(header_rows(m))), set()),
    "JSON": (lambda _, m: metadata_json(m), set()),
    "VOTable": (lambda _, m: votable_header(m).decode(), set()),
    "first header of FITS": (lambda _, m: str(list(primary(m).header.values())), IN_A_TABLE),
    "DataCite": (lambda _, m: datacite_xml(record(m), BASE).decode(), {"messenger"}),
    "schema.org": (lambda _, m: json.dumps(schema_org(record(m), BASE)), {"messenger"}),
    "VOResource of the ODC": (
        lambda _, m: voresource_xml(record(m), BASE, ivoid="ivo://a.b/c").decode(),
        {"owner", "reference_url"},
    ),
    "DCAT": (lambda _, m: json.dumps(dcat(record(m), BASE)), {"messenger"}),
}
"""What is made of the metadata, and the fields that it does not have."""


def test_every_field_is_tried() -> None:
    assert set(FIELDS) == set(Publication.model_fields)


@pytest.mark.parametrize("field", list(FIELDS))
@pytest.mark.parametrize("output", list(OUTPUTS))
def test_changed_field_is_seen_in_every_output_that_has_it(
    samples: ModuleType, unchanged: dict[str, str], output: str, field: str
) -> None:
    make, without = OUTPUTS[output]
    value, seen = FIELDS[field]
    before = unchanged[output]
    after = make(samples, samples.metadata(said=samples.publication(**{field: value})))
    if field in without:
        assert after == before
    else:
        assert seen not in before
        assert seen in after
