"""What of a record can be drawn, and in which words it is described.

The page of a record asks this, so nothing here reads a file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from vopub.model.ktype import Ktype
from vopub.model.parameter import Parameter
from vopub.model.provenance import Provenance
from vopub.model.resource import FileReference, FileRole, KM3OpenResource, RemoteFile
from vopub.odc.drawing.meaning import ENERGY, TIME, column_of, position_of

JSON, CSV, PARQUET = "application/json", "text/csv", "application/vnd.apache.parquet"
VOTABLE, FITS = "application/x-votable+xml", "application/fits"
TABLES = frozenset({CSV, PARQUET, VOTABLE, FITS})
HDF5 = frozenset({"application/x-hdf5", "application/x-hdf", "application/vnd.hdfgroup.hdf5"})
ALERTS = frozenset(
    {"application/xml", "text/xml", "application/x-voevent+xml", "application/voevent+xml"}
)
RAW = frozenset({"application/octet-stream"})
WAVES = frozenset({"audio/wav", "audio/x-wav", "audio/vnd.wave", "audio/wave"})
MP3 = frozenset({"audio/mpeg", "audio/mp3"})
READ: Mapping[Ktype, frozenset[str]] = {
    Ktype.EVENTS: TABLES | HDF5, Ktype.RUN_LIST: TABLES | HDF5, Ktype.VOEVENT: ALERTS,
    Ktype.FUNCTION: frozenset({JSON}), Ktype.LOOKUP_TABLE: frozenset({JSON}),
    Ktype.BINNED_DATA: TABLES, Ktype.RESPONSE_FUNCTION: TABLES,
    Ktype.ACOUSTIC_PSD: TABLES | {JSON}, Ktype.ACOUSTIC_WAV: WAVES | RAW,
    Ktype.ACOUSTIC_MP3: MP3, Ktype.ACOUSTIC_RAW: RAW,
}  # fmt: skip
"""Which media types can be drawn of which kind of content."""
ROLES = frozenset({FileRole.DATA, FileRole.RESPONSE})
UNPICTURED = frozenset({Ktype.PLOT, Ktype.PUBLICATION, Ktype.SOFTWARE})
"""Kinds that nothing is drawn of: one is a picture, the others are to be read and to be run."""
SHOWN = frozenset({"image/png", "image/jpeg", "image/svg+xml", "image/gif", "image/webp"})
"""Pictures that every browser shows."""
MOST_BYTES = 64 << 20
"""Largest file that is drawn."""
MOST_SHOWN = 20 << 20
"""Largest file of a plot that a page shows."""
WHAT: Mapping[Ktype, str] = {
    Ktype.EVENTS: "Picture", Ktype.RUN_LIST: "Livetime", Ktype.VOEVENT: "Sky map",
    Ktype.FUNCTION: "Curve", Ktype.LOOKUP_TABLE: "Chart", Ktype.BINNED_DATA: "Chart",
    Ktype.RESPONSE_FUNCTION: "Chart", Ktype.ACOUSTIC_PSD: "Spectral quantiles",
    Ktype.ACOUSTIC_WAV: "Spectrogram", Ktype.ACOUSTIC_MP3: "Spectrogram",
    Ktype.ACOUSTIC_RAW: "Spectrogram",
}  # fmt: skip
LONGEST_LABEL = 70
CHART_SIZE, SKY_SIZE = (576, 317), (648, 374)
"""Of a chart and of a sky map, in points."""


class Labels(BaseModel):
    """Parameters of a record by name, as axes are labelled with them."""

    model_config = ConfigDict(frozen=True)

    parameters: dict[str, Parameter]

    def of(self, name: str) -> str:
        """Return what stands at an axis: what it is, and its unit; the name if not described."""
        known = self.parameters.get(name)
        if known is None:
            return name
        about = known.description.rstrip(".")
        short = about if len(about) <= LONGEST_LABEL else f"{about[: LONGEST_LABEL - 1].rstrip()}…"
        return f"{short} [{known.unit}]" if known.unit else short

    def unit(self, name: str) -> str:
        """Return the unit of a parameter; empty if it has none or is not described."""
        known = self.parameters.get(name)
        return known.unit if known else ""


class Task(BaseModel):
    """What is to be drawn: of a file, or else what the record itself says."""

    model_config = ConfigDict(frozen=True)

    ktype: Ktype
    media_type: str = ""
    """Of the file; empty if none is needed."""
    labels: Labels = Labels(parameters={})
    simulated: bool = False
    moc: str = ""
    """Coverage on the sky in the ASCII form of a MOC, where that is to be drawn."""
    provenance: Provenance | None = None
    """Steps and files, where these are to be drawn."""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """What can be drawn of a record."""

    file: FileReference | None
    """None if the record itself says all that is needed."""
    task: Task
    alt: str
    """What the picture shows, for who does not see it."""
    size: tuple[int, int] = CHART_SIZE
    """Width and height that the picture most likely has, in points."""

    @property
    def name(self) -> str:
        """What it is."""
        if self.file is not None:
            return self.file.name
        return "the coverage on the sky" if self.task.moc else "the provenance"

    @property
    def problem(self) -> str:
        """Why nothing is drawn of it whatever it holds; empty if it may be."""
        too_large = self.file is not None and self.file.size > MOST_BYTES
        return f"it is larger than {MOST_BYTES >> 20} MiB" if too_large else ""


def subject_of(record: KM3OpenResource) -> Subject | None:
    """Return what can be drawn of a record; None if nothing can, or if it brings a picture.

    That is a file, or else the coverage: a file that is too large is nothing to rely on.
    """
    if record.ktype in UNPICTURED or any(is_preview(file) for file in record.files):
        return None
    first = None
    for subject in _subjects(record):
        if not subject.problem:
            return subject
        first = first or subject
    return first


def _subjects(record: KM3OpenResource) -> Iterator[Subject]:
    known = READ.get(record.ktype, frozenset())
    for file in record.files:
        if file.role in ROLES and kind_of(file.media_type) in known:
            yield _subject_of_file(record, file)
    if record.coverage.spatial.strip():
        yield _subject_of_coverage(record)


def graph_of(record: KM3OpenResource) -> Subject | None:
    """Return the provenance of a record as what can be drawn; None if there is no step."""
    if record.provenance is None or not record.provenance.steps:
        return None
    title = record.publication.title
    task = Task(ktype=record.ktype, provenance=record.provenance, title=title)
    return Subject(None, task, f"How it was made, from left to right: steps and files of {title}.")


def shown_plot(record: KM3OpenResource) -> FileReference | None:
    """Return the file of a plot that is shown as the picture that it is: the first that can be.

    None if the record is no plot, or brings a preview.
    """
    if record.ktype is not Ktype.PLOT or any(is_preview(file) for file in record.files):
        return None
    data = (file for file in record.files if file.role is FileRole.DATA)
    shown = (f for f in data if kind_of(f.media_type) in SHOWN and f.size <= MOST_SHOWN)
    return next(shown, None)


def unshown_plot(record: KM3OpenResource) -> tuple[FileReference | RemoteFile, str] | None:
    """Return the file of a plot that a page cannot show, and why; None if it shows a picture."""
    data = [file for file in record.every_file if file.role is FileRole.DATA]
    brought = shown_plot(record) is not None or any(is_preview(file) for file in record.files)
    if record.ktype is not Ktype.PLOT or not data or brought:
        return None
    (file, kind) = data[0], kind_of(data[0].media_type)
    if isinstance(file, RemoteFile):
        return file, "the file is kept elsewhere, and pages show nothing from there"
    if kind in SHOWN:
        return file, f"it is larger than {MOST_SHOWN >> 20} MiB"
    return file, f"browsers do not show {kind} in a page"


def kind_of(media_type: str) -> str:
    """Return a media type without its parameters."""
    return media_type.partition(";")[0].lower()


def is_preview(file: FileReference) -> bool:
    """Tell whether a file is a picture that was made for the page."""
    return file.role is FileRole.PREVIEW and file.media_type.startswith("image/")


def _subject_of_file(record: KM3OpenResource, file: FileReference) -> Subject:
    labels = Labels(parameters={p.name: p for p in record.parameters})
    task = Task(
        ktype=record.ktype, media_type=kind_of(file.media_type), labels=labels,
        simulated=record.simulated,
    )  # fmt: skip
    if record.ktype is Ktype.EVENTS:
        return _subject_of_events(record, file, task)
    size = SKY_SIZE if record.ktype is Ktype.VOEVENT else CHART_SIZE
    return Subject(file, task, _alt(record, file, labels), size)


def _subject_of_events(record: KM3OpenResource, file: FileReference, task: Task) -> Subject:
    known = task.labels.parameters
    whose = "simulated events" if record.simulated else "events"
    title = record.publication.title
    if all(position_of(known, known)):
        alt = f"Sky map of the {whose} in {file.name}, equatorial coordinates (ICRS): {title}."
        return Subject(file, task, alt, SKY_SIZE)
    column = next((name for m in (ENERGY, TIME) if (name := column_of(m, known, known))), "")
    over = f" over {task.labels.of(column)}" if column else ""
    what = "Histogram" if column else "Picture"
    return Subject(file, task, f"{what} of the {whose} in {file.name}{over}: {title}.")


def _subject_of_coverage(record: KM3OpenResource) -> Subject:
    task = Task(ktype=record.ktype, moc=record.coverage.spatial, simulated=record.simulated)
    alt = f"Sky map of what is covered, equatorial coordinates (ICRS): {record.publication.title}."
    return Subject(None, task, alt, SKY_SIZE)


def _alt(record: KM3OpenResource, file: FileReference, labels: Labels) -> str:
    """Return what a picture shows, in a sentence."""
    what, known = WHAT[record.ktype], labels.parameters
    axes = [labels.of(name) for name in ("xvalue", "xaxis", "yaxis") if name in known]
    shown = labels.of("returnvalue") if "returnvalue" in known else record.publication.title
    over = f" over {' and '.join(axes)}" if axes else ""
    return f"{what} of {file.name}: {shown}{over}."
