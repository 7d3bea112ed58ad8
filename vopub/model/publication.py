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
    orcid: Annotated[str, AfterValidator(check_orcid)] | None = None
    affiliation: str = ""


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
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")


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
    identifier: str = Field(min_length=3)
    """A DOI, an ivoid, an address or the id of a resource here."""
    title: str = ""


class Publication(_Described):
    """What is published, by whom and under which terms."""

    title: str = Field(min_length=10)
    description: str = Field(min_length=50)
    version: str = Field(pattern=r"^[0-9]+(\.[0-9]+){0,2}$", max_length=32)
    created: date
    """Date of this version."""
    creators: tuple[Creator, ...] = Field(min_length=1)
    contributors: tuple[Contributor, ...] = ()
    publisher: str = Field(min_length=2)
    owner: str = Field(min_length=2)
    """Who holds the rights."""
    contact: Contact
    licence: str = Field(min_length=2)
    """SPDX identifier, e.g. ``CC-BY-4.0``."""
    licence_url: Url
    subjects: tuple[str, ...] = Field(min_length=1)
    """Terms of the Unified Astronomy Thesaurus by identifier, e.g. ``neutrino-astronomy``."""
    facility: str = ""
    instrument: str = ""
    messenger: Messenger = Messenger.NEUTRINO
    reference_url: Url | None = None
    """A page about the data set elsewhere."""
    doi: str | None = Field(default=None, pattern=r"^10\.[0-9]{4,9}/\S+$")
    source: str = ""
    """Bibcode or reference of the paper that describes the data."""
    related: tuple[Related, ...] = ()
    note: str = ""
    """What a reader must know before using the data, e.g. that it is a sample."""
