"""The hostile strings go into every field of text that a record has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vopub.model.ktype import DetailKind, Ktype
from vopub.model.resource import KM3OpenResource
from vopub.odc.schemas import make_schema

from ...web.odc.hostile_records import KEY, KINDS, planted  # noqa: TID252 - the same places

MAPPINGS = {"provenance.steps.*.configuration", "provenance.entities.*.history.*.configuration"}
"""Whose values have names that nobody prescribes."""


def texts(
    schema: Mapping[str, Any], node: Mapping[str, Any], path: tuple[str, ...] = ()
) -> Iterator[tuple[str, ...]]:
    """Yield the paths of the texts in a JSON Schema, with ``*`` for any element."""
    if "$ref" in node:
        yield from texts(schema, schema["$defs"][node["$ref"].rpartition("/")[2]], path)
        return
    for each in (*node.get("anyOf", ()), *node.get("oneOf", ())):
        yield from texts(schema, each, path)
    if node.get("type") == "string" and not node.keys() & {"enum", "const"}:
        yield path
    for name, part in node.get("properties", {}).items():
        yield from texts(schema, part, (*path, name))
    for key in ("additionalProperties", "items"):
        if isinstance(node.get(key), dict):
            yield from texts(schema, node[key], (*path, "*"))


def given() -> set[str]:
    """Return the paths that strings go into."""
    found = set()
    for _, places in KINDS:
        for place in places:
            steps = ["*" if isinstance(step, int) or step == KEY else step for step in place.path]
            if ".".join(steps[:-1]) in MAPPINGS:
                steps[-1] = "*"
            found.add(".".join(steps))
    return found


def test_every_text_of_a_record_is_a_place() -> None:
    schema = make_schema("resource")
    wanted = {".".join(path) for path in texts(schema, schema)} - {"details.*"}
    assert len(wanted) > 80
    assert sorted(wanted - given()) == []


def test_every_detail_that_is_a_text_is_a_place() -> None:
    kinds = {DetailKind.TEXT, DetailKind.ADDRESS, DetailKind.TIME}
    wanted = {
        f"details.{name}"
        for ktype in Ktype
        for name, entry in ktype.entry.details.items()
        if entry.kind in kinds
    }
    assert sorted(wanted - given()) == []


def test_records_are_good_without_the_strings() -> None:
    places = sum(len(found) for _, found in KINDS)
    records = list(planted(["harmless"] * places))
    assert len(records) == len(KINDS)
    for each in records:
        KM3OpenResource.model_validate(each.record)
