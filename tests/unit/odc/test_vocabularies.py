from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from vopub.model.ktype import Detail, Ktype, vocabulary
from vopub.model.resource import SCHEMA_VERSION, KM3OpenResource, ServiceKind
from vopub.odc import schemas
from vopub.odc.door import problems_of, problems_of_times
from vopub.odc.exchange import export, import_into
from vopub.odc.file_types import USUAL
from vopub.odc.mappings.table import table
from vopub.odc.schemas import KINDS, VERSIONS, make_schema, published
from vopub.odc.store import Store

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


VALUES: list[Detail] = [
    0, -5, 808974724, 1.5, True, "polynomial", "counts", "test", "point-spread", "article",
    "some words", "", " ", "2020-09-29", "2020-09-29T07:57:13", "2020-09-29T07:57:13.25+02:00",
    "2020-09-29T07:57:13Z", "https://git.example.org/x", "ftp://example.org/x", "https://a b/",
]  # fmt: skip
OTHER_TIMES = [
    "20200929T075713Z", "2020-09-29 07:57:13+00:00", "2020-W40-2T07:57:13Z", "2020-09-29T07:57Z",
    "2020-09-29T07Z", "2020-09-29T07:57:13,25Z", "2020-09-29T07:57:13+02", "2020-09-29x07:57:13Z",
    "2020-09-29T07:57:13+0200", "2020-09-29T07:57:13+02:00:30",
]  # fmt: skip
"""Forms of ISO 8601, which RFC 3339 and the schema do not have, and earlier versions took."""
NO_TIMES = [
    "2020-13-29T07:57:13Z", "2020-00-29T07:57:13Z", "2020-09-32T07:57:13Z", "2020-09-29T24:00:00Z",
    "2020-09-29T07:60:13Z", "2020-09-29T23:59:60Z", "2020-09-29T07:57:13+24:00",
    "2020-09-29T07:57:13-02:60", "0000-09-29T07:57:13Z",
]  # fmt: skip


def example_of(ktype: Ktype) -> dict[str, Any]:
    return read(SCHEMA_VERSION, f"resource.{ktype.value}.example")


def is_accepted_by_both(content: dict[str, Any]) -> bool:
    """Tell whether a record is accepted; schema and code have to agree about it."""
    try:
        record = KM3OpenResource.model_validate(content)
        good = not list(problems_of_times(record))
    except ValidationError:
        good = False
    assert of_resource().is_valid(content) == good
    return good


@pytest.mark.parametrize("ktype", Ktype)
def test_schema_and_code_agree_about_what_a_ktype_asks_for(ktype: Ktype) -> None:
    example = example_of(ktype)
    details = example.get("details", {})
    for name in [*ktype.entry.details, "colour"]:
        taken = [
            value
            for value in [*VALUES, *OTHER_TIMES, *NO_TIMES]
            if is_accepted_by_both({**example, "details": {**details, name: value}})
        ]
        assert bool(taken) == (name in ktype.entry.details)


def test_times_in_forms_of_earlier_records_are_read_and_imported_but_not_let_in(
    centre: Centre, tmp_path: Path
) -> None:
    example = example_of(Ktype.ACOUSTIC_RAW) | {"files": []}
    example["publication"]["reference_url"] = "https://example.org/"
    for value in OTHER_TIMES:
        content = {**example, "details": {**example["details"], "start": value}}
        record = KM3OpenResource.model_validate(content)
        address, text = f"/api/resources/{record.kid}", record.model_dump_json()
        answer = centre.http.put(address, content=text)
        assert answer.status_code == 422, value
        (problem,) = answer.json()["detail"]
        assert problem["place"] == "details.start"
        assert "RFC 3339" in problem["what"]
        before = record.model_copy(update={"schema_version": "1.1"}).model_dump_json()
        assert centre.http.put(address, content=before).is_success  # whose schema allows it
        centre.store.put_resource(record)  # as an earlier version of the service did
        assert centre.client.get_resource(record.kid) == record
    export(centre.directory, "", tmp_path / "out")
    other = Store(tmp_path / "other")
    import_into(other, tmp_path / "out")
    assert other.get_resource(record.kid) == record
    other.close()


@pytest.mark.parametrize("ktype", Ktype)
def test_there_is_an_example_of_every_ktype_that_both_accept(ktype: Ktype) -> None:
    example = example_of(ktype)
    assert (example["ktype"], example["schema_version"]) == (ktype.value, SCHEMA_VERSION)
    assert is_accepted_by_both(example)
    record = KM3OpenResource.model_validate(example)
    assert problems_of(record, record.model_dump_json()) == []
    assert [USUAL.problem_of(file) for file in record.files if USUAL.problem_of(file)] == []
    assert is_accepted_by_both(record.model_dump(mode="json"))


@pytest.mark.parametrize(
    ("ktype", "name"),
    [(ktype, name) for ktype in Ktype for name, entry in ktype.entry.details.items()
     if entry.required],
)  # fmt: skip
def test_a_required_detail_is_missed_by_both(ktype: Ktype, name: str) -> None:
    example = example_of(ktype)
    del example["details"][name]
    assert not is_accepted_by_both(example)
    del example["details"]
    assert not is_accepted_by_both(example)


@pytest.mark.parametrize(
    ("ktype", "name"), [(ktype, name) for ktype in Ktype for name in ktype.entry.parameters]
)
def test_a_required_parameter_is_missed_by_both(ktype: Ktype, name: str) -> None:
    example = example_of(ktype)
    example["parameters"] = [p for p in example["parameters"] if name not in ("*", p["name"])]
    assert not is_accepted_by_both(example)
    del example["parameters"]
    assert not is_accepted_by_both(example)


@pytest.mark.parametrize("ktype", [ktype for ktype in Ktype if ktype.entry.reachable])
def test_a_resource_that_is_nowhere_is_refused_by_both(ktype: Ktype) -> None:
    example = {**example_of(ktype), "files": [], "services": []}
    assert not is_accepted_by_both(example)
    for name, value in (("doi", "10.5072/x"), ("reference_url", "https://example.org/x")):
        found = {**example, "publication": {**example["publication"], name: value}}
        assert is_accepted_by_both(found)
        found["publication"][name] = None
        assert not is_accepted_by_both(found)
    elsewhere = {**REMOTE_FILE.model_dump(mode="json"), "media_type": "image/png"}
    assert is_accepted_by_both({**example, "elsewhere": [elsewhere]})


def test_a_plot_without_a_picture_is_refused_by_both() -> None:
    example = example_of(Ktype.PLOT)
    picture = example["files"][0]
    table = {**picture, "media_type": "text/csv", "name": "x.csv"}
    elsewhere = {**REMOTE_FILE.model_dump(mode="json"), "media_type": "image/png"}
    preview = {**table, "role": "preview"}
    del table["role"]
    assert not is_accepted_by_both({**example, "files": [table]})
    assert is_accepted_by_both({**example, "files": [table, picture]})
    assert is_accepted_by_both({**example, "files": [preview]})
    assert is_accepted_by_both({**example, "files": [table], "elsewhere": [elsewhere]})
    elsewhere["media_type"] = "text/csv"
    assert not is_accepted_by_both({**example, "files": [preview], "elsewhere": [elsewhere]})


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
    for section in page.xpath("//section"):
        (example,) = section.xpath(".//a/@href")
        assert kept_centre.http.get(example).json()["ktype"] == section.get("id")
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
