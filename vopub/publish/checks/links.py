"""Whether the links of a resource answer; where nobody outside may look is not asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vopub.public_web import PATIENCE, NotPublicError, PublicWeb, SilentError, is_loopback
from vopub.publish.checks.finding import Case, Rule, Spot
from vopub.publish.checks.licences import LICENCES, addresses, same_address
from vopub.publish.checks.publication import DOI
from vopub.publish.checks.registry import ERROR, WARNING, declare
from vopub.settings import Settings

SILENT = declare("VP801", WARNING, "a link does not answer")
FORBIDDEN = declare("VP802", ERROR, "a link leads into a private network")


@dataclass(frozen=True, slots=True)
class Link:
    """An address that somebody wrote, and where."""

    place: str
    url: str
    file: Path | None = None
    """If it is not in the file that is looked at."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with a link."""

    rule: Rule
    what: str

    def spot(self, link: Link) -> Spot:
        """Return it where the link stands."""
        return Spot(link.place, self.what, link.url, file=link.file)


def links_of(case: Case) -> Iterator[Link]:
    """Yield the links of a resource; known addresses of known licences need no asking."""
    publication = case.publication
    if publication.reference_url:
        yield Link("publication.reference_url", publication.reference_url)
    licence, url = publication.licence, publication.licence_url
    known = addresses(licence) if licence in LICENCES else ()
    if not any(same_address(url, own) for own in known):
        yield Link("publication.licence_url", url)
    for number, related in enumerate(publication.related):
        place, name = f"publication.related.{number}.identifier", related.identifier
        if name.startswith(("http://", "https://")):
            yield Link(place, name)
        elif DOI.fullmatch(name):
            yield Link(place, f"https://doi.org/{name.lower().removeprefix('doi:')}")
    yield from _links_of_collection(case)


def _links_of_collection(case: Case) -> Iterator[Link]:
    file = case.collection_path
    if case.collection and case.collection.reference_url:
        yield Link("reference_url", case.collection.reference_url, file)
    if case.collection and case.collection.doi:
        yield Link("doi", f"https://doi.org/{case.collection.doi}", file)


def links_of_settings(settings: Settings) -> Iterator[Link]:
    """Yield the links of the settings."""
    yield Link("publisher.reference_url", settings.publisher.reference_url)


class Asker:
    """Asks links, each once.

    Parameters
    ----------
    settings
        Addresses of this machine itself are asked only if the site is seen from it alone.
    patience
        Seconds to wait for a connection, and for each piece of an answer.
    """

    def __init__(self, settings: Settings, *, patience: float = PATIENCE) -> None:
        loopback = is_loopback(settings.site.public_host or settings.site.host)
        self._web = PublicWeb(loopback=loopback, patience=patience)
        self._known: dict[str, Complaint | None] = {}

    def complaint(self, url: str) -> Complaint | None:
        """Return what is wrong with a link; None if it answers."""
        if url not in self._known:
            self._known[url] = self._look(url)
        return self._known[url]

    def close(self) -> None:
        """Let the connections go."""
        self._web.close()

    def _look(self, url: str) -> Complaint | None:
        try:
            status = self._web.ask(url).status
        except NotPublicError as error:
            return Complaint(FORBIDDEN, str(error))
        except SilentError as error:
            return Complaint(SILENT, str(error))
        return None if status < 400 else Complaint(SILENT, f"answers with status {status}")
