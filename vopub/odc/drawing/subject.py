"""What of a record can be drawn, and in which words it is described."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from vopub.model.ktype import Ktype
from vopub.model.parameter import Parameter
from vopub.model.resource import FileReference, FileRole, KM3OpenResource

JSON, CSV, PARQUET = "application/json", "text/csv", "application/vnd.apache.parquet"
VOTABLE, FITS = "application/x-votable+xml", "application/fits"
TABLES = frozenset({CSV, PARQUET, VOTABLE, FITS})
RAW = frozenset({"application/octet-stream"})
WAVES = frozenset({"audio/wav", "audio/x-wav", "audio/vnd.wave", "audio/wave"})
MP3 = frozenset({"audio/mpeg", "audio/mp3"})
READ: Mapping[Ktype, frozenset[str]] = {
    Ktype.FUNCTION: frozenset({JSON}), Ktype.LOOKUP_TABLE: frozenset({JSON}),
    Ktype.BINNED_DATA: TABLES, Ktype.RESPONSE_FUNCTION: TABLES,
    Ktype.ACOUSTIC_PSD: TABLES | {JSON}, Ktype.ACOUSTIC_WAV: WAVES | RAW,
    Ktype.ACOUSTIC_MP3: MP3, Ktype.ACOUSTIC_RAW: RAW,
}  # fmt: skip
"""Which media types can be drawn of which kind of content."""
WHAT: Mapping[Ktype, str] = {
    Ktype.FUNCTION: "Curve", Ktype.LOOKUP_TABLE: "Chart", Ktype.BINNED_DATA: "Chart",
    Ktype.RESPONSE_FUNCTION: "Chart", Ktype.ACOUSTIC_PSD: "Spectral quantiles",
    Ktype.ACOUSTIC_WAV: "Spectrogram", Ktype.ACOUSTIC_MP3: "Spectrogram",
    Ktype.ACOUSTIC_RAW: "Spectrogram",
}  # fmt: skip
LONGEST_LABEL = 70


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
    """What is to be drawn of a file."""

    model_config = ConfigDict(frozen=True)

    ktype: Ktype
    media_type: str
    labels: Labels


@dataclass(frozen=True, slots=True)
class Subject:
    """A file of a record that can be drawn."""

    file: FileReference
    task: Task
    alt: str
    """What the picture shows, for who does not see it."""


def subject_of(record: KM3OpenResource) -> Subject | None:
    """Return what can be drawn of a record; None if nothing can, or if it brings a picture."""
    if any(f.role is FileRole.PREVIEW and f.media_type.startswith("image/") for f in record.files):
        return None
    for file in record.files:
        kind = file.media_type.partition(";")[0].lower()
        if file.role in (FileRole.DATA, FileRole.RESPONSE) and kind in READ.get(record.ktype, ()):
            labels = Labels(parameters={p.name: p for p in record.parameters})
            task = Task(ktype=record.ktype, media_type=kind, labels=labels)
            return Subject(file, task, _alt(record, file, labels))
    return None


def _alt(record: KM3OpenResource, file: FileReference, labels: Labels) -> str:
    """Return what a picture shows, in a sentence."""
    what, known = WHAT[record.ktype], labels.parameters
    axes = [labels.of(name) for name in ("xvalue", "xaxis", "yaxis") if name in known]
    shown = labels.of("returnvalue") if "returnvalue" in known else record.publication.title
    over = f" over {' and '.join(axes)}" if axes else ""
    return f"{what} of {file.name}: {shown}{over}."
