"""Publication metadata: who publishes what, under which terms."""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

ORCID_PATTERN = re.compile(r"\d{4}-\d{4}-\d{4}-\d{3}[\dX]")


def check_orcid(orcid: str) -> str:
    """Return an ORCID iD whose check digit (ISO 7064 MOD 11-2) is right."""
    if not ORCID_PATTERN.fullmatch(orcid):
        raise ValueError(f"{orcid!r} is not an ORCID iD (0000-0000-0000-0000)")
    total = 0
    for digit in orcid.replace("-", "")[:-1]:
        total = (total + int(digit)) * 2
    check = (12 - total % 11) % 11
    if orcid[-1] != ("X" if check == 10 else str(check)):
        raise ValueError(f"{orcid!r} has a wrong check digit")
    return orcid


def check_url(url: str) -> str:
    """Return an http or https address."""
    if not re.fullmatch(r"https?://[^\s<>\"]+", url):
        raise ValueError(f"{url!r} is not an http(s) address")
    return url


Url = Annotated[str, AfterValidator(check_url)]


class _Described(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Creator(_Described):
    """A person or a collaboration that made the data."""

    name: str = Field(min_length=2)
    """Name of the person, as ``Family, Given``, or of the collaboration."""
    orcid: Annotated[str, AfterValidator(check_orcid)] | None = None
    """ORCID iD, ``0000-0000-0000-0000``; none if it is not known."""
    affiliation: str = ""
    """Institution that they belong to; empty if it is not told."""


class ContributorRole(StrEnum):
    """What somebody did for the data who is not among their creators; words of DataCite."""

    DATA_COLLECTOR = "DataCollector"
    DATA_CURATOR = "DataCurator"
    DATA_MANAGER = "DataManager"
    EDITOR = "Editor"
    HOSTING_INSTITUTION = "HostingInstitution"
    PROJECT_LEADER = "ProjectLeader"
    RELATED_PERSON = "RelatedPerson"
    RESEARCHER = "Researcher"
    RESEARCH_GROUP = "ResearchGroup"
    SPONSOR = "Sponsor"
    SUPERVISOR = "Supervisor"
    OTHER = "Other"


class Contributor(Creator):
    """A person or an institution that helped to make the data."""

    role: ContributorRole = ContributorRole.OTHER
    """What they did."""


class Contact(_Described):
    """Whom to ask."""

    name: str = Field(min_length=2)
    """Name of the person or the group."""
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")
    """E-mail address."""


class RelationType(StrEnum):
    """How a resource relates to another; words of DataCite, of which VOResource has the same."""

    IS_SUPPLEMENT_TO = "IsSupplementTo"
    IS_SUPPLEMENTED_BY = "IsSupplementedBy"
    IS_DERIVED_FROM = "IsDerivedFrom"
    IS_SOURCE_OF = "IsSourceOf"
    CITES = "Cites"
    IS_NEW_VERSION_OF = "IsNewVersionOf"
    IS_PREVIOUS_VERSION_OF = "IsPreviousVersionOf"
    IS_PART_OF = "IsPartOf"
    HAS_PART = "HasPart"


class Messenger(StrEnum):
    """What brought the news to the detector; words of the VO's vocabulary of messengers."""

    NEUTRINO = "Neutrino"
    PHOTON = "Photon"


class Related(_Described):
    """Another resource that this one relates to."""

    relation: RelationType
    """How this resource relates to the other."""
    identifier: str = Field(min_length=3)
    """A DOI, an ivoid, an address or the id of a resource here."""
    title: str = ""
    """Title of the other resource; empty if it is not known."""


class Publication(_Described):
    """What is published, by whom and under which terms."""

    title: str = Field(min_length=10)
    """Title of the resource."""
    description: str = Field(min_length=50)
    """What the data are and how they were made, in words."""
    version: str = Field(pattern=r"^[0-9]+(\.[0-9]+){0,2}$", max_length=32)
    """Version of the data: one to three numbers with dots, e.g. ``1.0``."""
    created: date
    """Date of this version."""
    creators: tuple[Creator, ...] = Field(min_length=1)
    """Who made the data, in the order in which they are cited."""
    contributors: tuple[Contributor, ...] = ()
    """Who else helped to make them."""
    publisher: str = Field(min_length=2)
    """Who makes the data available."""
    owner: str = Field(min_length=2)
    """Who holds the rights."""
    contact: Contact
    """Whom to ask about the data."""
    licence: str = Field(min_length=2)
    """SPDX identifier, e.g. ``CC-BY-4.0``."""
    licence_url: Url
    """Address of the text of the licence."""
    subjects: tuple[str, ...] = Field(min_length=1)
    """Terms of the Unified Astronomy Thesaurus by identifier, e.g. ``neutrino-astronomy``."""
    facility: str = ""
    """Observatory that took the data, e.g. ``KM3NeT``; empty if none did."""
    instrument: str = ""
    """Detector, with its configuration, e.g. ``ORCA6``; empty if none."""
    messenger: Messenger = Messenger.NEUTRINO
    """Particle that brought the news to the detector."""
    reference_url: Url | None = None
    """A page about the data set elsewhere."""
    doi: str | None = Field(default=None, pattern=r"^10\.[0-9]{4,9}/\S+$")
    """DOI of this version, without address, e.g. ``10.5281/zenodo.1``; none if it has none."""
    source: str = ""
    """Bibcode or reference of the paper that describes the data."""
    related: tuple[Related, ...] = ()
    """Other resources that it relates to."""
    note: str = ""
    """What a reader must know before using the data, e.g. that it is a sample."""
