"""From level-2 files to the products of a table, in one pass."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from vopub import __version__
from vopub.events.convert import Reduction
from vopub.events.coverage import CoverageBuilder, declinations
from vopub.events.good_runs import read_good_runs
from vopub.events.scale.tally import Watch, nobody
from vopub.events.scale.workers import Here, Workers
from vopub.files import cannot, scratch_directory, sha256_of, write_text
from vopub.formats.products import ExtraFile, write_products
from vopub.model.dataset import Manifest, TableMetadata
from vopub.model.description import ResourceDescription
from vopub.model.duplicates import Duplicates
from vopub.model.event_table import EventTable, concatenate
from vopub.model.malformed import MalformedLimit
from vopub.model.provenance import Entity
from vopub.model.resource import make_kid
from vopub.publish.beside import cut_flow_chart, run_files
from vopub.publish.build import Build
from vopub.publish.metadata import provenance_of, publication_of
from vopub.publish.previews import Previews
from vopub.publish.provenance_files import provenance_files
from vopub.publish.responses import function_tables, response_files
from vopub.publish.state import Key
from vopub.resources import ResourceFolder
from vopub.settings import PublisherSettings
from vopub.vo.known_events import KnownEvents, known_events, outermost


@dataclass(frozen=True, slots=True)
class Way:
    """How files are reduced, which makes no difference to the table unless events come again."""

    parts: Path | None = None
    """Directory that keeps what each file gave for the next time; without it nothing is kept."""
    duplicates: Duplicates | None = None
    """What is done with an event that comes again; None for what the description says."""
    malformed: MalformedLimit | None = None
    """The most malformed events; None for what the description says."""
    workers: Workers = field(default_factory=Here)
    """Who reads the files."""
    watch: Watch = nobody
    """Is told how far it is."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a table is made from."""

    description: ResourceDescription
    inputs: tuple[Path, ...]
    good_runs: Path | None
    publisher: PublisherSettings
    """Completes the publication metadata."""
    responses: tuple[Path, ...] = ()
    """Files of the response functions, in the order they are described."""


def convert(
    folder: ResourceFolder,
    key: Key,
    publisher: PublisherSettings,
    directory: Path,
    record: Path,
    way: Way | None = None,
) -> Build:
    """Reduce the inputs of a resource and write the products.

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
    way
        How the inputs are reduced.

    Raises
    ------
    VopubError
        If an input is bad, nothing is left after the selection, or the disk is full.
    """
    source = Source(
        folder.description, folder.inputs(), folder.good_runs(), publisher, folder.responses()
    )
    functions = function_tables(folder.description.responses, source.responses)
    conversion = _Conversion(source, way or Way(), key.digest)
    manifest = conversion.write(directory)
    build = Build(
        metadata=conversion.described,
        manifest=manifest,
        known=conversion.known(),
        functions=functions,
    )
    write_text(record, build.model_dump_json(indent=1) + "\n")
    return build


def make_table(source: Source, directory: Path, way: Way) -> TableMetadata:
    """Reduce files and write the products, for people who only want a table.

    Parameters
    ----------
    source
        What the table is made from.
    directory
        Directory of the products, replaced as a whole.
    way
        How the files are reduced.

    Raises
    ------
    VopubError
        If a file is bad, nothing is left after the selection, or the disk is full.
    """
    conversion = _Conversion(source, way)
    conversion.write(directory)
    return conversion.described


class _Conversion:
    """What gathers while the chunks of one table pass.

    Without a key, it is a digest of the inputs, of the description and of the version of vopub.
    """

    def __init__(self, source: Source, way: Way, key: str = "") -> None:
        self.description = source.description
        self.key = key
        self.publication = publication_of(self.description, source.publisher)
        self.kid = make_kid(
            source.publisher.authority, self.description.id, self.publication.version
        )
        self._good_runs = source.good_runs
        self._responses = source.responses
        self.reduction = Reduction(
            source.inputs,
            self.description.events,
            simulated=self.description.simulated,
            good_runs=None if self._good_runs is None else read_good_runs(self._good_runs),
            malformed=way.malformed or MalformedLimit.parse(self.description.events.max_malformed),
            parts=way.parts,
            duplicates=way.duplicates or self.description.events.duplicates,
            workers=way.workers,
            watch=way.watch,
        )
        self.has_positions = {"ra", "dec"} <= set(self.description.events.columns)
        self._coverage = CoverageBuilder(self._field())
        self._previews = Previews(frozenset(self.description.events.columns))
        self._outermost: EventTable | None = None
        self._started = datetime.now(UTC)

    def _field(self) -> tuple[float, float] | None:
        """Return the declinations seen; None if who made a list of events did not say."""
        if not self.has_positions or self.description.events.reconstruction == "given":
            return None
        recipe = self.reduction.recipe
        return declinations(recipe.site, recipe.selections)

    def write(self, directory: Path) -> Manifest:
        """Write the products."""
        chunks = self._chunks()
        first = next(chunks)  # every file was read by then
        self.key = self.key or self._key()
        with scratch_directory() as scratch:
            return write_products(
                directory,
                self.description.id,
                chain([first], chunks),
                self.reduction.parameters,
                self._metadata,
                version=self.publication.version,
                key=self.key,
                extra=self._extras(scratch),
                names=self.description.formats,
            )

    def known(self) -> KnownEvents | None:
        """Return the events to prove a service with; None if they have no positions."""
        return None if self._outermost is None else known_events(self._outermost)

    def _chunks(self) -> Iterator[EventTable]:
        for chunk in self.reduction:
            self._coverage.add(chunk)
            self._previews.add(chunk)
            if self.has_positions:
                pieces = [outermost(chunk)]
                if self._outermost is not None:
                    pieces.insert(0, self._outermost)
                self._outermost = outermost(concatenate(chunk.parameters, pieces))
            yield chunk

    def _key(self) -> str:
        lists = [entity.identifier for entity in self._lists()]
        description = self.description.model_dump_json()
        content = [*self.reduction.digests, *lists, description, __version__]
        return hashlib.sha256("\n".join(content).encode()).hexdigest()

    def _lists(self) -> tuple[Entity, ...]:
        """Return what else went into the table."""
        if self._good_runs is None:
            return ()
        identifier = f"sha256:{sha256_of(self._good_runs)}"
        return (
            Entity(identifier=identifier, name=self._good_runs.name, description="Good-run list"),
        )

    def _metadata(self, rows: int) -> TableMetadata:
        times = (self._started, datetime.now(UTC))
        reduction = self.reduction
        self.described = TableMetadata(
            identifier=self.description.id,
            kid=self.kid,
            simulated=self.description.simulated,
            rows=rows,
            publication=self.publication,
            data_taking=reduction.data_taking,
            parameters=reduction.parameters,
            provenance=provenance_of(
                self.description,
                self.kid,
                self.key,
                (*reduction.inputs, *self._lists()),
                times,
                account=reduction.account,
            ),
            account=reduction.account,
            cut_flow=reduction.cut_flow,
            coverage=self._coverage.result(reduction.data_taking),
        )
        return self.described

    def _extras(self, scratch: Path) -> Iterator[ExtraFile]:
        try:
            yield from self._further_files(scratch)
        except OSError as error:
            raise cannot("write", scratch, error) from error

    def _further_files(self, scratch: Path) -> Iterator[ExtraFile]:
        yield from self._previews.files(self.described, scratch)
        yield cut_flow_chart(self.described, self.description, scratch)
        yield from run_files(self.described, scratch)
        yield from provenance_files(self.described, scratch)
        responses = self.description.responses
        yield from response_files(self.described, responses, self._responses, scratch)
