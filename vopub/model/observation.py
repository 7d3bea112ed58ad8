"""What a resource is as an observation: the ``[vo.hea]`` and ``[[responses]]`` parts.

The words are those of the High-Energy extension of ObsCore (draft of 2026-08-03). Energies are in
GeV as everywhere in a ``resource.toml``; the VO's tables have them in eV.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from vopub.model.adql import RESERVED_WORDS

PDGID_PATTERN = r"^([+-][1-9][0-9]{0,9})?$"
"""A number of the Particle Data Group's scheme; the draft wants its sign."""
RESPONSE_SUFFIX = ".ecsv"
RESERVED_NAMES = frozenset({"events", "bundle", "runs"})
"""Names of other data sets and files of a resource, which no response may have."""

Energy = Annotated[float, Field(gt=0)]
MessengerName = Literal["neutrino", "muon", "cosmic-ray", "photon", "proton"]
TrackingMode = Literal[
    "", "sidereal", "fixed-az-el-transit", "solar-system-object-tracking", "none"
]
Word = Annotated[str, Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9 ._+()-]*)?$", max_length=64)]


class ProductTypes(StrEnum):
    """Which words ``dataproduct_type`` is taken from."""

    OBSCORE = "obscore-1.1"
    """``event``, the only word that ObsCore 1.1 has; the draft's are given as subtype."""
    DRAFT = "draft"
    """``hea-event-list``, ``hea-event-bundle``, ``response-function`` of the extension."""
    VOCABULARY = "vocabulary"
    """``event-list``, ``event-bundle``, ``response-function``, as earlier texts of the draft."""


class ResponseKind(StrEnum):
    """Kinds of response functions; words of the VO's vocabulary of response types."""

    AEFF = "aeff"
    PSF = "psf"
    EDISP = "edisp"
    BKGRATE = "bkgrate"

    @property
    def label(self) -> str:
        """What people call it."""
        return _LABELS[self]


_LABELS = {
    ResponseKind.AEFF: "Effective area",
    ResponseKind.PSF: "Point-spread function",
    ResponseKind.EDISP: "Energy dispersion",
    ResponseKind.BKGRATE: "Background rate",
}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class FieldOfView(_Part):
    """The part of the sky that the detector sees, as a circle."""

    ra: float = Field(ge=0, lt=360)
    """Right ascension of the centre in degrees (ICRS)."""
    dec: float = Field(ge=-90, le=90)
    """Declination of the centre in degrees (ICRS)."""
    diameter: float = Field(gt=0, le=180)
    """Largest distance of two of its points in degrees."""


class Period(_Part):
    """When the data were or will be taken, for events that do not come in runs."""

    start: AwareDatetime
    stop: AwareDatetime
    livetime: Annotated[float, Field(gt=0)] | None = None
    """Seconds during which events could be recorded."""

    @model_validator(mode="after")
    def _ordered(self) -> Period:
        if self.stop <= self.start:
            raise ValueError("the period stops before it starts")
        if self.livetime and self.livetime > (self.stop - self.start).total_seconds():
            raise ValueError("livetime is longer than the period")
        return self


class HeaSection(_Part):
    """The ``[vo.hea]`` part: what the table of observations says beyond what the events tell."""

    collection: str = Field(default="", pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]*)?$")
    """``obs_collection``; the collection of the resource, or its id, if not given."""
    messenger_name: MessengerName = "neutrino"
    messenger_pdgid: str = Field(default="", pattern=PDGID_PATTERN)
    """Signed number of the particle, e.g. ``+14``, if it is only one."""
    obs_mode: Word = ""
    """How the detector observes, e.g. ``wide-array``."""
    analysis_mode: Word = ""
    """What the data are made for, e.g. ``pointsource`` or ``diffuse``."""
    event_type: Word = ""
    """Kind of events, e.g. ``track`` or ``shower``."""
    tracking_mode: TrackingMode = ""
    scan_mode: Word = ""
    pointing_mode: Word = ""
    field: FieldOfView | None = None
    """What is seen; the coverage of the resource if not given."""
    period: Period | None = None
    """When; that of the runs if not given."""
    energy: tuple[Energy, Energy] | None = None
    """Smallest and largest energy in GeV; that of the events if not given."""
    angular_resolution: Annotated[float, Field(gt=0, le=180)] | None = None
    """Characteristic angular resolution in degrees."""
    product_types: ProductTypes | None = None
    """Which words ``dataproduct_type`` is taken from; those of the site if not given."""
    reference_energy: Energy | None = None
    """Energy in GeV at which ``angular_resolution`` and ``field`` hold."""

    @model_validator(mode="after")
    def _ordered(self) -> HeaSection:
        if self.energy and self.energy[0] >= self.energy[1]:
            raise ValueError("energy: the smallest comes first")
        return self


class ResponseSection(_Part):
    """One of the ``[[responses]]``: a table of a response function that goes with the events."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{1,30}$")
    """Part of the file's and the data set's name, e.g. ``aeff_nutau``; name of the table."""
    kind: ResponseKind
    file: str = Field(pattern=rf"^[^/\s][^\s]*{RESPONSE_SUFFIX.replace('.', '[.]')}$")
    """Table in astropy's ECSV, named like the inputs; each column with unit and description."""
    title: str = Field(min_length=10)
    description: str = Field(min_length=20)
    messenger_pdgid: str = Field(default="", pattern=PDGID_PATTERN)
    event_type: Word = ""
    """That of the events if not given."""
    energy: tuple[Energy, Energy] | None = None
    """Smallest and largest true energy in GeV; that of the resource if not given."""


def check_names(responses: tuple[ResponseSection, ...]) -> tuple[ResponseSection, ...]:
    """Return responses if each has a name of its own.

    Raises
    ------
    ValueError
        If two have the same, or one has a name of something else or a word of ADQL.
    """
    names = [response.name for response in responses]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"more than one response is called {', '.join(twice)}")
    reserved = sorted((RESERVED_NAMES | RESERVED_WORDS).intersection(names))
    if reserved:
        raise ValueError(f"no response can be called {', '.join(reserved)}")
    return responses


Responses = Annotated[tuple[ResponseSection, ...], AfterValidator(check_names)]
