from __future__ import annotations

import json
from functools import cache
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from vopub.model.ktype import Ktype, vocabulary
from vopub.model.resource import SCHEMA_VERSION, KM3OpenResource, ServiceKind
from vopub.odc import schemas
from vopub.odc.mappings.table import table
from vopub.odc.schemas import KINDS, VERSIONS, make_schema, published

from .conftest import REMOTE_FILE, Centre, make_record, parse_page

PLACES = [(version, name) for version in dict.fromkeys(VERSIONS) for name in KINDS]


def read(version: str, name: str) -> dict[str, Any]:
    text = published(version, name)
    assert text is not None
    content = json.loads(text)
    assert isinstance(content, dict)
    return content


def checker(schema: dict[str, Any]) -> jsonschema.Draft202012Validator:
    jsonschema.Draft202012Validator.check_schema(schema)
    formats = jsonschema.Draft202012Validator.FORMAT_CHECKER
    return jsonschema.Draft202012Validator(schema, format_checker=formats)


@pytest.mark.parametrize(("version", "name"), PLACES)
def test_the_example_beside_a_schema_is_valid_and_can_be_written(version: str, name: str) -> None:
    example = read(version, f"{name}.example")
    assert example["schema_version"] == version
    checker(read(version, name)).validate(example)
    KINDS[name].model_validate(example)


@pytest.mark.parametrize(("version", "name"), PLACES)
def test_a_schema_refuses_what_is_unknown_or_missing(version: str, name: str) -> None:
    example = read(version, f"{name}.example")
    check = checker(read(version, name))
    assert not check.is_valid({**example, "colour": "blue"})
    for field in read(version, name)["required"]:
        assert not check.is_valid({key: v for key, v in example.items() if key != field})


@pytest.mark.parametrize("name", KINDS)
def test_the_published_schema_of_this_version_is_that_of_the_code(name: str) -> None:
    """A change of the records goes with 'python -m vopub.odc.schemas vopub/odc/published'."""
    assert read(SCHEMA_VERSION, name) == make_schema(name)


@pytest.mark.parametrize("name", KINDS)
def test_every_property_of_a_schema_is_described(name: str) -> None:
    schema = read(SCHEMA_VERSION, name)
    definitions = {name: schema, **schema.get("$defs", {})}
    rules = [rule["then"]["properties"]["details"] for rule in schema.get("allOf", [])]
    named = [*definitions.items(), *(("details", rule) for rule in rules)]
    properties = [
        (f"{where}.{field}", said)
        for where, definition in named
        for field, said in definition.get("properties", {}).items()
    ]
    assert len(properties) >= len(KINDS[name].model_fields)
    assert [where for where, said in properties if not said.get("description")] == []


def test_the_newest_of_a_version_is_found_by_its_first_number() -> None:
    assert published("1", "resource") == published(SCHEMA_VERSION, "resource")
    assert published("2", "resource") is None
    assert published("1", "../../app") is None


@cache
def of_resource() -> jsonschema.Draft202012Validator:
    return checker(read(SCHEMA_VERSION, "resource"))


DETAILS = st.dictionaries(
    st.sampled_from(
        [name for k in Ktype for name, d in vocabulary().ktypes[k].details.items()] + ["colour"]
    ),
    st.integers(-5, 10**9) | st.booleans()
    | st.sampled_from(["polynomial", "counts", "test", "point-spread", "some words"]),
    max_size=3,
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(ktype=st.sampled_from(Ktype), details=DETAILS)
def test_schema_and_code_agree_about_what_a_ktype_asks_for(
    ktype: Ktype, details: dict[str, Any]
) -> None:
    times = {"start", "event_time", "code_repository"}
    content = make_record("evts20_01", account=None, provenance=None).model_dump(mode="json")
    content["parameters"] = content["parameters"][:1]
    content |= {"ktype": ktype.value, "files": [], "details": {
        name: value for name, value in details.items() if name not in times
    }}  # fmt: skip
    try:
        KM3OpenResource.model_validate(content)
        good = True
    except ValidationError:
        good = False
    assert of_resource().is_valid(content) == good


def test_schemas_are_served_under_their_address(kept_centre: Centre) -> None:
    for path in schemas.listed():
        answer = kept_centre.http.get(f"/schemas/{path}")
        assert answer.status_code == 200
        if ".example" not in path:
            assert answer.headers["content-type"] == "application/schema+json"
            assert answer.json()["$id"] == f"http://odc.test/schemas/{path}"
    assert kept_centre.http.get("/schemas/1/resource.json").json()["version"] == SCHEMA_VERSION
    missing = kept_centre.http.get("/schemas/1/nothing.json")
    assert (missing.status_code, "/schemas/1.0/" in missing.json()["error"]) == (404, True)
    assert kept_centre.http.get("/schemas/1/..%2f..%2fapp.json").status_code in (404, 422)


def test_vocabularies_are_served_as_json_and_as_pages(kept_centre: Centre) -> None:
    words = kept_centre.http.get("/api/vocabularies/ktypes").json()
    assert set(words["ktypes"]) == {ktype.value for ktype in Ktype}
    assert words["version"] == vocabulary().version
    fields = kept_centre.http.get("/api/vocabularies/fields").json()
    assert set(fields["fields"]) == set(table().fields)
    page = parse_page(kept_centre.http.get("/ktypes").text)
    assert {section.get("id") for section in page.xpath("//section")} == set(words["ktypes"])
    for path in ("/fields", "/schemas"):
        page = parse_page(kept_centre.http.get(path).text)
        shown = [cell.text_content() for cell in page.xpath("//tbody/tr/th")]
        assert shown == [*table().fields, *table().groupings]
        links = page.xpath("//ul/li/a/@href")
        assert links == [f"/schemas/{name}" for name in schemas.listed()]


def test_pages_have_a_name_for_every_kind_of_service(centre: Centre) -> None:
    service = make_record().services[0]
    every = [service.model_copy(update={"kind": kind}) for kind in ServiceKind]
    record = make_record(files=[], services=every)
    centre.put(record, [])
    for path in (f"/resources/{record.kid}", "/"):
        assert centre.http.get(path, headers={"Accept": "text/html"}).status_code == 200


def test_only_records_of_the_newest_schema_point_elsewhere() -> None:
    content = make_record(elsewhere=[REMOTE_FILE]).model_dump(mode="json")
    of_resource().validate(content)
    assert KM3OpenResource.model_validate(content).elsewhere == (REMOTE_FILE,)
    for version in ("1.0", "1.1"):
        assert not checker(read(version, "resource")).is_valid(content)
        with pytest.raises(ValidationError, match="no files elsewhere"):
            KM3OpenResource.model_validate({**content, "schema_version": version})
    for address in ("ftp://example.org/x", "http://:80/x", "http://[::1/x", "https://a b/"):
        content["elsewhere"][0]["url"] = address
        with pytest.raises(ValidationError, match=r"elsewhere\.0\.url"):
            KM3OpenResource.model_validate(content)


def test_records_without_files_elsewhere_are_written_as_before() -> None:
    written = read("1.1", "resource.example")
    assert json.loads(KM3OpenResource.model_validate(written).model_dump_json()) == written
