"""From what is said about a table to the resource descriptor (RD) that DaCHS reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vopub.model.dataset import TableMetadata
from vopub.model.description import VoSection
from vopub.model.function_table import FunctionTable
from vopub.model.publication import Related
from vopub.model.resource import FileReference
from vopub.vo.columns import columns_block
from vopub.vo.coverage import coverage_block
from vopub.vo.files import files_block
from vopub.vo.function_table import functions_block
from vopub.vo.known_events import KnownEvent, KnownEvents
from vopub.vo.registry import (
    data_origin,
    ivoid,
    publication_block,
    published_title,
)
from vopub.vo.rendering import render
from vopub.vo.run_list import runs_block

__all__ = ["TEST_RADIUS", "ivoid", "published_title", "render_descriptor"]

TEMPLATE = "events.rd.xml"
TEST_RADIUS = 0.01
"""Radius in degrees of a cone search that looks for one known event."""
ARCMIN_PER_DEGREE = 60

CONDITIONS = ("mjd", "energy")
"""Columns that a cone search can be narrowed down by."""


def render_descriptor(
    metadata: TableMetadata,
    vo: VoSection,
    *,
    authority: str,
    data_file: str,
    known: KnownEvents,
    related: Sequence[Related] = (),
    files: Mapping[str, FileReference] | None = None,
    functions: Sequence[FunctionTable] = (),
    landing_page: str = "",
    templates: Path | None = None,
) -> str:
    """Write the resource descriptor of an event table.

    Parameters
    ----------
    metadata
        Everything said about the table.
    vo
        How it is to be served.
    authority
        Authority part of the VO identifiers.
    data_file
        Path of the CSV, relative to the resource directory.
    known
        Events that the descriptor's own tests look for.
    related
        Relations beyond those of the publication, e.g. to the versions before and after this one.
    files
        Files of the resource by the addresses at which they are to be had.
    functions
        Tables of functions that belong to the events.
    landing_page
        Address of its page in the Open Data Center, that the registry record leads people to.
    templates
        Folder of the templates; default those that come with vopub.

    Raises
    ------
    VopubError
        If a template uses a variable that is not there, or a text what XML cannot hold.
    """
    publication = publication_block(
        metadata.publication, metadata.identifier, authority=authority,
        simulated=metadata.simulated, related=related,
    )  # fmt: skip
    variables = {
        "id": metadata.identifier,
        "rows": metadata.rows,
        "data_file": data_file,
        "publication": publication | {"landing_page": landing_page},
        "origin": data_origin(metadata, authority),
        "coverage": coverage_block(metadata.coverage, metadata.data_taking),
        "events": columns_block(metadata.parameters),
        "runs": runs_block(metadata),
        "functions": functions_block(functions, metadata.parameters),
        "files": files_block(files or {}),
        **_queries(metadata, vo, known.first),
    }
    return render(TEMPLATE, variables, about=metadata.identifier, templates=templates)


def _queries(metadata: TableMetadata, vo: VoSection, event: KnownEvent) -> dict[str, Any]:
    names = {parameter.name for parameter in metadata.parameters}
    return {
        "conditions": [name for name in CONDITIONS if name in names],
        "search_radius": vo.search_radius,
        "search_radius_arcmin": vo.search_radius * ARCMIN_PER_DEGREE,
        "test": {
            "event_id": event.event_id, "ra": event.ra, "dec": event.dec, "radius": TEST_RADIUS,
        },
    }  # fmt: skip
