"""What the table of fields says, against what is written."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from vopub.model.publication import Messenger
from vopub.odc.mappings import datacite_xml, dcat, schema_org
from vopub.odc.mappings.table import fields_page, table
from vopub.odc.mappings.voresource import voresource_xml
from vopub.odc.schemas import KINDS, make_schema

from .conftest import COVERAGE, REMOTE_FILE, Centre, make_record, parse_page

BASE = "https://odc.example.org"
WRITERS = {
    "datacite": datacite_xml, "voresource": voresource_xml, "schema_org": schema_org, "dcat": dcat,
}  # fmt: skip
BAND = COVERAGE.model_copy(update={"declination": (-70.0, 20.0)})
RECORD = make_record(
    stream="acoustic20_01_psd", replaces=UUID(int=7), elsewhere=[REMOTE_FILE], coverage=BAND
)
OTHERWISE: dict[str, Any] = {
    "simulated": True, "publication.owner": "Somebody else", "rows": 7,
    "publication.contact.email": "else@samples.km3net.invalid",
    "publication.messenger": Messenger.PHOTON, "publication.reference_url": f"{BASE}/else",
    "coverage.spatial": "3/7", "coverage.energy": (2.0, 3.0), "coverage.declination": (-10.0, 10.0),
    "parameters": (), "files": (), "elsewhere": (), "collection": "", "stream": "",
    "data_taking": None, "provenance": None, "account": None, "details": {"channel": 1},
    "schema_version": "1.1",
}  # fmt: skip
"""Another value of each field that has an empty place."""


def said_otherwise(record: Any, path: list[str], value: Any) -> Any:
    """Return a record with another value in one of its fields."""
    name, *rest = path
    changed = said_otherwise(getattr(record, name), rest, value) if rest else value
    return record.model_copy(update={name: changed})


@pytest.mark.parametrize(
    ("target", "field"),
    [(target, field) for field, goals in table().fields.items()
     for target in table().targets if target not in goals],
)  # fmt: skip
def test_where_the_table_is_empty_nothing_is_written(target: str, field: str) -> None:
    other = said_otherwise(RECORD, field.split("."), OTHERWISE[field])
    assert other != RECORD
    assert WRITERS[target](other, BASE) == WRITERS[target](RECORD, BASE)


def test_the_pages_say_what_an_empty_place_means(kept_centre: Centre) -> None:
    page = parse_page(kept_centre.http.get("/fields").text).text_content()
    for text in (page, fields_page()):
        assert "in an empty place nothing is written" in " ".join(text.split())


@pytest.mark.parametrize("name", KINDS)
def test_what_is_said_to_be_of_km3net_is_said_in_pages_and_schemas(
    name: str, kept_centre: Centre
) -> None:
    schema = make_schema(name)
    page = parse_page(kept_centre.http.get("/fields").text).text_content()
    said = table().km3net_of(name)
    assert said
    assert set(table().km3net) <= {*table().fields, *table().groupings}
    assert table().origin in schema["description"]
    assert table().origin in page
    assert table().origin in fields_page()
    known = {path.rpartition(".")[2]: what for path, what in said.items()}
    every = [schema, *(schema["$defs"].values() if "$defs" in schema else ())]
    marked = {
        field: said["description"].partition(" KM3NeT's: ")[2]
        for definition in every
        for field, said in definition.get("properties", {}).items()
        if " KM3NeT's: " in said["description"]
    }
    assert marked == known
    for what in said.values():
        assert what in page
        assert what in fields_page()
