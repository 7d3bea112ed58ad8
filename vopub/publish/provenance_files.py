"""The files that tell how a table was made: for machines, for people, and as a drawing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from vopub.figures.provenance_graph import GRAPH_SUFFIX, draw_provenance
from vopub.formats.products import ExtraFile
from vopub.formats.w3c_prov import JSON_SUFFIX, NOTATION_SUFFIX, prov_json, prov_n
from vopub.model.dataset import TableMetadata
from vopub.model.resource import FileRole
from vopub.vo.registry import published_title

ABOUT = {
    JSON_SUFFIX: ("application/json", "Provenance as W3C PROV-JSON, for machines"),
    NOTATION_SUFFIX: (
        "text/provenance-notation; charset=utf-8",
        "Provenance in W3C's notation for people, PROV-N",
    ),
    GRAPH_SUFFIX: ("image/svg+xml", "How the table was made: inputs, steps and files."),
}
"""Media type and description by what the name ends in."""


def provenance_files(metadata: TableMetadata, scratch: Path) -> Iterator[ExtraFile]:
    """Write the files into a directory and yield them, to be taken in with the products.

    Parameters
    ----------
    metadata
        What is said about the table.
    scratch
        Directory that holds the files until they were taken in.
    """
    drawing = draw_provenance(metadata.provenance, title=published_title(metadata))
    contents = {
        JSON_SUFFIX: prov_json(metadata).encode(),
        NOTATION_SUFFIX: prov_n(metadata).encode(),
        GRAPH_SUFFIX: drawing,
    }
    for suffix, content in contents.items():
        path = scratch / f"{metadata.identifier}{suffix}"
        path.write_bytes(content)
        media_type, description = ABOUT[suffix]
        role = FileRole.PREVIEW if suffix == GRAPH_SUFFIX else FileRole.PROVENANCE
        yield ExtraFile(path, media_type, role, description)
