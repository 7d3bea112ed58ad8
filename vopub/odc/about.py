"""Everything that the page of a resource shows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from markupsafe import Markup

from vopub.model.cut_flow import steps_of
from vopub.model.event_table import EventAccount, Excluded
from vopub.model.resource import (
    FileReference,
    FileRole,
    KM3OpenResource,
    KM3ResourceCollection,
    KM3ResourceStream,
    RemoteFile,
)
from vopub.odc.citation import bibtex, citation
from vopub.odc.drawing.subject import is_preview, shown_plot, unshown_plot
from vopub.odc.forms import forms_of
from vopub.odc.mappings import schema_org
from vopub.odc.recipes import (
    Recipe,
    download_recipe,
    file_recipes,
    service_recipes,
    store_recipe,
)
from vopub.odc.rendering import duration, number
from vopub.odc.signposting import cite_as
from vopub.odc.store import Store

MOST_RUNS = 200
"""Runs in the table of a page."""
MOST_STEPS, MOST_NAMES = 50, 20
"""Steps of the provenance on a page; settings, counts and files named of each."""
GRAPH, CUT_FLOW = ".provenance.svg", ".cutflow.svg"
"""What the names of the drawings end in that belong to a part of the page."""
_LABELS = {
    "text/csv": "CSV", "application/x-hdf5": "HDF5", "application/vnd.apache.parquet": "Parquet",
    "application/x-votable+xml": "VOTable", "application/fits": "FITS",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class OfferedFile:
    """A file as its row on a page shows it."""

    reference: FileReference | RemoteFile
    url: str
    recipes: list[Recipe]

    @property
    def server(self) -> str:
        """The host that keeps it; empty if it is kept here."""
        if not isinstance(self.reference, RemoteFile):
            return ""
        return urlsplit(self.reference.url).hostname or ""

    @property
    def label(self) -> str:
        """The kind of file in a word."""
        kind = self.reference.media_type.partition(";")[0]
        return _LABELS.get(kind, self.reference.name.rpartition(".")[2].upper())


def about(
    record: KM3OpenResource, store: Store, base: str, newer: UUID | None
) -> dict[str, Any]:  # fmt: skip
    """Return everything that the page of a resource shows.

    Parameters
    ----------
    record, store
        The resource, and where it is.
    base
        Address of the service.
    newer
        ``kid`` of the next version that is there.
    """
    address = f"{base}/resources/{record.kid}"
    files = [_offered(record, file, base) for file in record.every_file]
    versions = store.life.in_short(record.identifier)
    return {
        "record": record, "address": address, "cite_as": cite_as(record, base),
        "citation": citation(record, address), "bibtex": bibtex(record, address),
        "sentence": sentence(record), "forms": forms_of(record),
        "structured": _structured(record, base, newer),
        "files": files, "downloads": [f for f in files if f.reference.role is FileRole.DATA][:3],
        **_pictures(files, shown_plot(record)), "unshown": unshown_plot(record),
        "services": [(service, service_recipes(service)) for service in record.services],
        "store_recipe": store_recipe(record, base),
        "steps": steps_of(record.account) if record.account else (),
        "left_out": list(_left_out(record.account)) if record.account else [],
        "most_runs": MOST_RUNS, "most_steps": MOST_STEPS, "most_names": MOST_NAMES,
        "versions": versions,
        "is_latest": versions[0].kid == record.kid if versions else True,
        "entities": {e.identifier: e for e in record.provenance.entities}
        if record.provenance
        else {},
        "collection": store.groupings.standing(KM3ResourceCollection, record.collection),
        "stream": store.groupings.standing(KM3ResourceStream, record.stream),
    }  # fmt: skip


def sentence(record: KM3OpenResource) -> str:
    """Return what a resource is, in a sentence."""
    publication = record.publication
    what, _, form = record.ktype.entry.title.partition(", ")
    kind = f"{what} ({form})" if form else what
    parts = [f"Simulated {kind[0].lower()}{kind[1:]}" if record.simulated else kind]
    if record.rows is not None:
        parts.append(f"with {number(record.rows)} {'row' if record.rows == 1 else 'rows'}")
    if where := publication.instrument or publication.facility:
        parts.append(f"of {where}")
    text = " ".join(parts)
    return f"{text}{_when(record)}, free to use under {publication.licence}."


def _when(record: KM3OpenResource) -> str:
    span = record.coverage.temporal
    livetime = record.data_taking.livetime if record.data_taking else None
    lasted = f" during {duration(livetime)} of livetime" if livetime else ""
    if span is None or record.simulated:
        return ""
    first, last = span.start.date(), span.stop.date()
    days = f"on {first}" if first == last else f"from {first} to {last}"
    return f", taken {days}{lasted}"


def as_script(node: object) -> str:
    """Return JSON that can stand inside a ``script`` element, whatever texts it holds."""
    text = json.dumps(node, ensure_ascii=False)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _offered(record: KM3OpenResource, file: FileReference | RemoteFile, base: str) -> OfferedFile:
    path = f"/files/{record.kid}/{file.name}"
    recipes = file_recipes(file, base + path)
    if file.role is FileRole.DATA:
        recipes = [*recipes, download_recipe(base + path, file)]
    return OfferedFile(file, path, recipes)


def _pictures(
    files: list[OfferedFile], plot: FileReference | None
) -> dict[str, list[OfferedFile]]:  # fmt: skip
    """Return the pictures by the part of the page that they belong to."""
    pictures = [
        file
        for file in files
        if isinstance(file.reference, FileReference)  # pages show nothing from elsewhere
        and (is_preview(file.reference) or file.reference is plot)
    ]
    found: dict[str, list[OfferedFile]] = {"graphs": [], "cut_flows": [], "previews": []}
    for picture in pictures:
        name = picture.reference.name
        graph, flow = name.endswith(GRAPH), name.endswith(CUT_FLOW)
        found["graphs" if graph else "cut_flows" if flow else "previews"].append(picture)
    return found


def _left_out(account: EventAccount) -> Iterator[tuple[str, Excluded]]:
    groups = (
        ("cut", account.cuts), ("not reconstructed", [account.not_reconstructed]),
        ("malformed", account.malformed), ("repeated", [account.repeated]),
    )  # fmt: skip
    for what, entries in groups:
        yield from ((what, entry) for entry in entries if entry.events)


def _structured(record: KM3OpenResource, base: str, replaced_by: UUID | None) -> Markup:
    described = schema_org(record, base, replaced_by=replaced_by)
    return Markup(as_script(described))  # noqa: S704 - made safe there
