"""The JSON Schemas of records, as this service publishes them, with examples of each.

A published schema never changes: its text is a file beside the code, and a version of the schema
that adds fields is a directory of its own. A version is published with the release of vopub that
brings it. ``/schemas/1/`` is the newest of version 1.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from vopub.model.ktype import TIME_PATTERN, DetailEntry, DetailKind, Ktype
from vopub.model.resource import (
    SCHEMA_VERSION,
    FileRole,
    KM3OpenResource,
    KM3ResourceCollection,
    KM3ResourceStream,
)
from vopub.odc.mappings.table import table

KINDS: dict[str, type[BaseModel]] = {
    "resource": KM3OpenResource,
    "stream": KM3ResourceStream,
    "collection": KM3ResourceCollection,
}
VERSIONS = ("1.0", "1.1", SCHEMA_VERSION)
"""Versions of which records may be here, oldest first."""
DIALECT = "https://json-schema.org/draft/2020-12/schema"
MEDIA_TYPE = "application/schema+json"
NAMES = (
    *("resource", "resource.example", *(f"resource.{ktype.value}.example" for ktype in Ktype)),
    *("stream", "stream.example", "collection", "collection.example"),
)
"""What a version can have: schemas, an example of each, and one of each ktype."""
_DATA = {"properties": {"role": {"const": FileRole.DATA.value}}}
_REACHED: dict[str, Any] = {
    "anyOf": [
        *(
            {"properties": {field: {"minItems": 1}}, "required": [field]}
            for field in ("files", "elsewhere", "services")
        ),
        *(
            {"properties": {"publication": {"properties": {field: {"type": "string"}},
                                            "required": [field]}}}
            for field in ("doi", "reference_url")
        ),
    ]
}  # fmt: skip
"""There is a file, a service, a DOI or an address."""


def make_schema(name: str) -> dict[str, Any]:
    """Make the schema of a kind of record from the code: what a new version publishes."""
    schema = KINDS[name].model_json_schema()
    _say_whose(schema, name)
    heading = {"$schema": DIALECT, "$id": f"/schemas/{SCHEMA_VERSION}/{name}.json"}
    rules = {"allOf": [_rule(ktype) for ktype in Ktype]} if name == "resource" else {}
    return {**heading, "version": SCHEMA_VERSION, **schema, **rules}


def _say_whose(schema: dict[str, Any], name: str) -> None:
    """Say in the descriptions of a schema what is KM3NeT's and what is vopub's own."""
    schema["description"] += "\n\n" + table().origin
    for path, said in table().km3net_of(name).items():
        within, _, field = path.rpartition(".")
        place = schema["$defs"][within.title()] if within else schema
        place["properties"][field]["description"] += f" KM3NeT's: {said}"


def _rule(ktype: Ktype) -> dict[str, Any]:
    """Return what a kind of content asks for, as far as JSON Schema can say it."""
    entry = ktype.entry
    details = {
        "properties": {name: _detail(each) for name, each in entry.details.items()},
        "required": [name for name, each in entry.details.items() if each.required],
        "additionalProperties": False,
    }
    then: dict[str, Any] = {"properties": {"details": details}}
    if details["required"]:
        then["required"] = ["details"]
    if entry.parameters:
        named = [{"contains": {"properties": {"name": {"const": name}}}}
                 for name in entry.parameters if name != "*"]  # fmt: skip
        then["properties"]["parameters"] = {"minItems": 1, **({"allOf": named} if named else {})}
        then["required"] = ["parameters", *then.get("required", [])]
    rules = [_REACHED] * entry.reachable + [_any_data(entry.media)] * bool(entry.media)
    if rules:
        then["allOf"] = rules
    return {"if": {"properties": {"ktype": {"const": ktype.value}}}, "then": then}


def _any_data(media: str) -> dict[str, Any]:
    """Return that one of the files of data, if there are any, is of this sort of media."""
    fields = ("files", "elsewhere")
    good = {**_DATA["properties"], "media_type": {"pattern": f"^{media}"}}
    none = {"properties": {field: {"not": {"contains": _DATA}} for field in fields}}
    some = [{"properties": {field: {"contains": {"properties": good}}}, "required": [field]}
            for field in fields]  # fmt: skip
    return {"anyOf": [none, *some]}


def _detail(entry: DetailEntry) -> dict[str, Any]:
    kinds = {DetailKind.INTEGER: "integer", DetailKind.NUMBER: "number"}
    # With patterns, because validators need not look at formats.
    formats = {
        DetailKind.TEXT: {"pattern": r"\S"},
        DetailKind.TIME: {"format": "date-time", "pattern": TIME_PATTERN},
        DetailKind.ADDRESS: {"format": "uri", "pattern": r'^https?://[^\s<>"]+$'},
    }
    unit = f" In {entry.unit}." if entry.unit else ""
    return {
        "type": kinds.get(entry.kind, "string"),
        "description": entry.description + unit,
        **({"enum": list(entry.choices)} if entry.choices else formats.get(entry.kind, {})),
    }


@cache
def published(version: str, name: str) -> str | None:
    """Return a published file as it is served; None if there is none.

    Parameters
    ----------
    version
        A version in full such as ``1.0``, or ``1`` for the newest of it.
    name
        ``resource``, ``stream`` or ``collection``; ``resource.example`` for the example, and
        ``resource.voevent.example`` for that of a ktype.
    """
    newest = {each.partition(".")[0]: each for each in VERSIONS}
    version = newest.get(version, version)
    if version not in VERSIONS or name not in NAMES:
        return None
    place = files("vopub.odc").joinpath("published", version, f"{name}.json")
    return place.read_text(encoding="utf-8") if place.is_file() else None


def listed() -> list[str]:
    """Return the paths of everything that is published, below ``/schemas/``."""
    return [
        f"{version}/{name}.json"
        for version in dict.fromkeys(VERSIONS)
        for name in NAMES
        if published(version, name) is not None
    ]


def as_text(document: dict[str, Any]) -> str:
    """Return a document in the form in which it is kept and served."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def write_schemas(directory: Path) -> None:
    """Write the schemas of this version below ``directory``, to be published."""
    place = directory / SCHEMA_VERSION
    place.mkdir(parents=True, exist_ok=True)
    for name in KINDS:
        (place / f"{name}.json").write_text(as_text(make_schema(name)), encoding="utf-8")


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1]))
