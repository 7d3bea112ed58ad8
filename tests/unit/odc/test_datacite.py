"""DataCite XML by the schema and the writer of the library ``datacite``."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, assume, given, settings

from vopub.model.ktype import Ktype
from vopub.model.resource import KM3OpenResource
from vopub.odc.mappings import datacite_xml

from .any_record import BASE, FULL, RECORDS
from .conftest import ROOT, make_record
from .datacite_json import check_datacite, in_json, library

Said = dict[str, Any]
EXAMPLES = {
    str(path.relative_to(ROOT)): path.read_bytes()
    for path in sorted((ROOT / "vopub/odc/published").glob("*/resource.example.json"))
}
SHIPPED = [path.parent.name for path in sorted((ROOT / "resources").glob("*/resource.toml"))]


def check(record: KM3OpenResource) -> None:
    check_datacite(datacite_xml(record, BASE, replaced_by=UUID(int=7)))


def test_examples_are_there() -> None:
    assert len(EXAMPLES) >= 3
    assert len(SHIPPED) >= 2


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_example_beside_every_schema_is_valid_datacite(example: str) -> None:
    check(KM3OpenResource.model_validate_json(EXAMPLES[example]))


@pytest.mark.parametrize("identifier", SHIPPED)
def test_every_resource_that_is_shipped_is_valid_datacite(identifier: str) -> None:
    check(make_record(identifier))


@pytest.mark.parametrize("ktype", Ktype)
def test_every_kind_of_content_with_everything_said_is_valid_datacite(ktype: Ktype) -> None:
    check(FULL.model_copy(update={"ktype": ktype}))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(changes=RECORDS)
def test_whatever_a_record_says_is_valid_datacite(changes: Said) -> None:
    said = changes["publication"]
    for name in ("subjects", "related"):  # JSON lets nothing be said twice, XML does
        assume(all(said[name].count(each) == 1 for each in said[name]))
    check(make_record(**changes))


@pytest.mark.parametrize(
    ("simulated", "relation"), [(False, "IsCollectedBy"), (True, "References")]
)
def test_only_what_was_observed_was_collected(simulated: bool, relation: str) -> None:
    said = {"facility": "KM3NeT", "instrument": "ORCA6", "related": [], "source": ""}
    record = make_record(publication=said, simulated=simulated)
    items = in_json(datacite_xml(record, BASE))["relatedItems"]
    assert items == [
        {"relatedItemType": kind, "relationType": relation, "titles": [{"title": name}]}
        for kind, name in (("Other", "KM3NeT"), ("Instrument", "ORCA6"))
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("publisher>", "publishers>"), ('dateType="Created"', 'dateType="Made"'),
        ('relationType="Cites"', 'relationType="cites"'), ("creatorName", "creatorname"),
        ('descriptionType="Abstract"', 'descriptionType="abstract"'),
        ('relatedItemType="Other"', 'relatedItemtype="Other"'),
        ('resourceTypeGeneral="Dataset"', 'resourceTypeGeneral="Data"'),
        ('nameType="Organizational"', 'nameType="Organisational"'),
    ],
)  # fmt: skip
def test_what_is_not_of_datacite_is_found(old: str, new: str) -> None:
    text = datacite_xml(FULL, BASE).decode()
    assert old in text
    assert not library().validator.is_valid(in_json(text.replace(old, new).encode()))
