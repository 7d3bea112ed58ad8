"""The JSON Schemas of records, as this service publishes them, with an example of each.

A published schema never changes: its text is a file beside the code, and a version of the schema
that adds fields is a directory of its own. ``/schemas/1/`` is the newest of version 1.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import BaseModel

from vopub.model.resource import (
    SCHEMA_VERSION,
    KM3OpenResource,
    KM3ResourceCollection,
    KM3ResourceStream,
)

KINDS: dict[str, type[BaseModel]] = {
    "resource": KM3OpenResource,
    "stream": KM3ResourceStream,
    "collection": KM3ResourceCollection,
}
VERSIONS = ("1.0", SCHEMA_VERSION)
"""Versions of which records may be here, oldest first."""
DIALECT = "https://json-schema.org/draft/2020-12/schema"
MEDIA_TYPE = "application/schema+json"


def make_schema(name: str) -> dict[str, Any]:
    """Make the schema of a kind of record from the code: what a new version publishes."""
    schema = KINDS[name].model_json_schema()
    heading = {"$schema": DIALECT, "$id": f"/schemas/{SCHEMA_VERSION}/{name}.json"}
    return {**heading, "version": SCHEMA_VERSION, **schema}


@cache
def published(version: str, name: str) -> str | None:
    """Return a published file as it is served; None if there is none.

    Parameters
    ----------
    version
        A version in full such as ``1.0``, or ``1`` for the newest of it.
    name
        ``resource``, ``stream`` or ``collection``; ``resource.example`` for the example.
    """
    newest = {each.partition(".")[0]: each for each in VERSIONS}
    version = newest.get(version, version)
    if version not in VERSIONS or name.removesuffix(".example") not in KINDS:
        return None
    place = files("vopub.odc").joinpath("published", version, f"{name}.json")
    return place.read_text(encoding="utf-8") if place.is_file() else None


def listed() -> list[str]:
    """Return the paths of everything that is published, below ``/schemas/``."""
    names = [name + suffix for name in KINDS for suffix in ("", ".example")]
    return [
        f"{version}/{name}.json"
        for version in dict.fromkeys(VERSIONS)
        for name in names
        if published(version, name) is not None
    ]


def as_text(document: dict[str, Any]) -> str:
    """Return a document in the form in which it is kept and served."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
