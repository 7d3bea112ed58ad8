"""From a resource's inputs to its products, once for each key."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from vopub.events.convert import Reduction
from vopub.events.coverage import CoverageBuilder
from vopub.files import write_text
from vopub.formats.products import ExtraFile, write_products
from vopub.model.dataset import TableMetadata
from vopub.model.event_table import Column, EventTable
from vopub.model.resource import FileRole, make_kid
from vopub.odc.skymap import draw_skymap
from vopub.publish.build import Build
from vopub.publish.metadata import provenance_of, publication_of
from vopub.publish.state import Key
from vopub.resources import ResourceFolder
from vopub.settings import PublisherSettings
from vopub.vo.known_events import KnownEvents, known_events, outermost


def convert(
    folder: ResourceFolder, key: Key, publisher: PublisherSettings, directory: Path, record: Path
) -> Build:
    """Reduce the inputs and write the products.

    Parameters
    ----------
    folder
        The resource.
    key
        What it is made from.
    publisher
        Completes the publication metadata.
    directory
        Directory of the products, replaced as a whole.
    record
        File that remembers what was made.

    Raises
    ------
    VopubError
        If an input is bad, nothing is left after the selection, or the disk is full.
    """
    conversion = _Conversion(folder, key, publisher)
    with tempfile.TemporaryDirectory(prefix="vopub-") as scratch:
        manifest = write_products(
            directory,
            folder.id,
            conversion.chunks(),
            conversion.parameters,
            conversion.metadata,
            version=folder.description.publication.version,
            key=key.digest,
            extra=conversion.previews(Path(scratch)),
        )
    build = Build(metadata=conversion.described, manifest=manifest, known=conversion.known())
    write_text(record, build.model_dump_json(indent=1) + "\n")
    return build


class _Conversion:
    """What gathers while the chunks of one table pass."""

    def __init__(self, folder: ResourceFolder, key: Key, publisher: PublisherSettings) -> None:
        self.folder = folder
        self.description = folder.description
        self.key = key
        self.parameters = self.description.events.parameters()
        self.publication = publication_of(self.description, publisher)
        self.kid = make_kid(publisher.authority, folder.id, self.publication.version)
        self.reduction = Reduction(
            folder.inputs(), self.description.events, simulated=self.description.simulated
        )
        self.has_positions = {"ra", "dec"} <= set(self.description.events.columns)
        self._coverage = CoverageBuilder()
        self._positions: list[tuple[Column, Column]] = []
        self._outermost: list[EventTable] = []
        self._started = datetime.now(UTC)

    def chunks(self) -> Iterator[EventTable]:
        for chunk in self.reduction:
            self._coverage.add(chunk)
            if self.has_positions and len(chunk):
                self._positions.append((chunk["ra"], chunk["dec"]))
                self._outermost.append(outermost(chunk))
            yield chunk

    def metadata(self, rows: int) -> TableMetadata:
        times = (self._started, datetime.now(UTC))
        self.described = TableMetadata(
            identifier=self.folder.id,
            kid=self.kid,
            simulated=self.description.simulated,
            rows=rows,
            publication=self.publication,
            data_taking=self.reduction.data_taking,
            parameters=self.parameters,
            provenance=provenance_of(
                self.description, self.kid, self.key.digest, self.reduction.inputs, times
            ),
            account=self.reduction.account,
            coverage=self._coverage.result(self.reduction.data_taking),
        )
        return self.described

    def previews(self, scratch: Path) -> Iterator[ExtraFile]:
        if not self.has_positions:
            return
        ra, dec = (np.concatenate(column) for column in zip(*self._positions, strict=True))
        path = scratch / f"{self.folder.id}.skymap.svg"
        path.write_bytes(draw_skymap(ra, dec, title=self.publication.title))
        yield ExtraFile(path, "image/svg+xml", FileRole.PREVIEW, "Directions of the events.")

    def known(self) -> KnownEvents | None:
        return known_events(self._outermost) if self.has_positions else None
