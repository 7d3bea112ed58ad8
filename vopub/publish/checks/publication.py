"""Who published what when, under which terms, and what it relates to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from vopub.errors import did_you_mean, nearest
from vopub.model.publication import Related, RelationType
from vopub.model.resource import ID_PATTERN
from vopub.publish.checks.finding import Case, Spot
from vopub.publish.checks.licences import LICENCES, addresses, same_address
from vopub.publish.checks.registry import ERROR, WARNING, of_resource

GROUP = re.compile(
    r"\b(collaboration|consortium|team|group|project|observatory|institute|km3net|antares)\b",
    re.IGNORECASE,
)
"""How creators are called that are no single person."""
DOI = re.compile(r"(doi:|https?://(dx\.)?doi\.org/)?10\.\d{4,9}/\S+", re.IGNORECASE)
IVOID = re.compile(r"ivo://[A-Za-z0-9][A-Za-z0-9._-]{2,}(/[^\s<>\"]*)?")
"""Source: IVOA Identifiers 2.0, section 2.3."""
ADDRESS = re.compile(r"https?://[A-Za-z0-9\[][^\s<>\"]*")
BIBCODE = re.compile(r"\d{4}[A-Za-z&.]{5}[A-Za-z0-9.]{9}[A-Z.]")
"""Source: SIMBAD/ADS bibliographic codes: year, journal, volume, page, first author."""


@cache
def subjects() -> frozenset[str]:
    """Return the terms of the Unified Astronomy Thesaurus that come with vopub."""
    text = files("vopub.site").joinpath("vocabularies/uat.desise").read_text(encoding="utf-8")
    return frozenset(json.loads(text)["terms"])


@of_resource("VP501", WARNING, "a subject is not a known term")
def known_subjects(case: Case) -> Iterator[Spot]:
    """Yield subjects by which nobody would find the data."""
    for number, subject in enumerate(case.publication.subjects):
        if subject not in subjects():
            near = nearest(subject, subjects())
            what = "is none of the terms of the Unified Astronomy Thesaurus shipped with vopub"
            hint = f"did you mean {' or '.join(near)}?" if near else "e.g. neutrino-astronomy"
            yield Spot(f"publication.subjects.{number}", what, subject, hint)


@of_resource("VP503", WARNING, "a person has no ORCID iD")
def orcids(case: Case) -> Iterator[Spot]:
    """Yield persons who could be mistaken for others of the same name."""
    for number, creator in enumerate(case.publication.creators):
        if creator.orcid is None and not GROUP.search(creator.name):
            hint = "add orcid, or name the collaboration"
            yield Spot(f"publication.creators.{number}", "has no ORCID iD", creator.name, hint)


@of_resource("VP504", ERROR, "a creator is named twice")
def creators_differ(case: Case) -> Iterator[Spot]:
    """Yield creators with the name or the ORCID iD of one before them."""
    seen: set[str] = set()
    for number, creator in enumerate(case.publication.creators):
        marks = {creator.name.casefold(), creator.orcid or ""} - {""}
        if marks & seen:
            place = f"publication.creators.{number}"
            yield Spot(place, "is the name or ORCID iD of another creator", creator.name)
        seen |= marks


@of_resource("VP505", WARNING, "the licence is not a known SPDX identifier")
def known_licence(case: Case) -> Iterator[Spot]:
    """Yield a licence that programs do not know by its name."""
    licence = case.publication.licence
    if licence not in LICENCES:
        hint = did_you_mean(licence, LICENCES)
        yield Spot("publication.licence", "is no SPDX identifier of a known licence", licence, hint)


@of_resource("VP506", ERROR, "the licence and its address do not belong together")
def licence_address(case: Case) -> Iterator[Spot]:
    """Yield an address that is another licence's."""
    licence, url = case.publication.licence, case.publication.licence_url
    if licence in LICENCES and not any(same_address(url, own) for own in addresses(licence)):
        hint = f"write {LICENCES[licence]}"
        what = f"is not the address of {licence}"
        yield Spot("publication.licence_url", what, url, hint)


@of_resource("VP507", ERROR, "a date is in the future")
def dates(case: Case) -> Iterator[Spot]:
    """Yield that a version was made on a day that has begun nowhere on Earth."""
    created = case.publication.created
    if created > case.today:
        what = f"is after today, {case.today}"
        yield Spot("publication.created", what, created.isoformat())


@of_resource("VP508", WARNING, "a newer version is published already")
def version_published(case: Case) -> Iterator[Spot]:
    """Yield a version that comes before the one that this site has published."""
    version = case.publication.version
    if case.published and _numbers(version) < _numbers(case.published):
        what = f"comes before {case.published}, which is published"
        yield Spot("publication.version", what, version, "give it a higher version")


@of_resource("VP509", ERROR, "a new version is not newer")
def version_order(case: Case) -> Iterator[Spot]:
    """Yield that the resource before this one has no lower version, or a later date."""
    own = case.publication
    for number, related in enumerate(own.related):
        other = case.others.get(related.identifier)
        if other is None or related.relation is not RelationType.IS_NEW_VERSION_OF:
            continue
        old = other.description.publication
        place = f"publication.related.{number}"
        if _numbers(old.version) >= _numbers(own.version):
            what = f"is version {old.version}, this is {own.version}"
            yield Spot(place, what, related.identifier, "give this a higher version")
        if old.created > own.created:
            what = f"was made on {old.created}, this on {own.created}"
            yield Spot(place, what, related.identifier, "correct one of the dates")


@of_resource("VP510", ERROR, "a related identifier is not well formed")
def related_identifiers(case: Case) -> Iterator[Spot]:
    """Yield what is neither a DOI, an ivoid, an address nor the id of a resource."""
    for number, related in enumerate(case.publication.related):
        if not _is_identifier(related):
            what = "is no DOI, ivoid, address or id of a resource"
            hint = "e.g. 10.5281/zenodo.1234567, ivo://org.example/res, https://…, evts20_01"
            yield Spot(_related(number), what, related.identifier, hint)


@of_resource("VP511", ERROR, "a related resource is unknown, or the same")
def related_resources(case: Case) -> Iterator[Spot]:
    """Yield ids of resources that are not described here, or are this one's own."""
    for number, related in enumerate(case.publication.related):
        name = related.identifier
        if name == case.folder.id:
            yield Spot(_related(number), "is the id of this resource itself", name)
        elif re.fullmatch(ID_PATTERN, name) and name not in case.others:
            hint = did_you_mean(name, case.others) if case.others else ""
            yield Spot(_related(number), "there is no such resource here", name, hint)


@of_resource("VP512", WARNING, "facility or instrument is not named")
def origin(case: Case) -> Iterator[Spot]:
    """Yield that nobody can look for the data by where they were taken."""
    for key in ("facility", "instrument"):
        if not getattr(case.publication, key).strip():
            hint = "e.g. KM3NeT" if key == "facility" else "e.g. ORCA6"
            yield Spot(f"publication.{key}", f"no {key} is named", hint=hint)


@of_resource("VP513", WARNING, "a bibcode is not well formed")
def bibcode(case: Case) -> Iterator[Spot]:
    """Yield a source that begins like a bibcode, and is none."""
    source = case.publication.source
    if re.match(r"\d{4}[A-Za-z&.]\S*$", source) and not BIBCODE.fullmatch(source):
        hint = "it has 19 characters, e.g. 2016JPhG...43h4001A"
        yield Spot("publication.source", "is no bibcode", source, hint)


def _is_identifier(related: Related) -> bool:
    name = related.identifier
    if "doi.org/" in name.lower():  # an address too, but not of any page
        return DOI.fullmatch(name) is not None
    forms = (DOI, IVOID, ADDRESS, re.compile(ID_PATTERN))
    return any(form.fullmatch(name) for form in forms)


def _related(number: int) -> str:
    return f"publication.related.{number}.identifier"


def _numbers(version: str) -> tuple[int, ...]:
    """Return a version for comparison: 1 is 1.0 is 1.0.0."""
    numbers = [int(part) for part in version.split(".")]
    return (*numbers, *[0] * (3 - len(numbers)))
