"""Asking every rule of every resource."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from astropy.units import UnitsWarning

from vopub.publish.checks import reading
from vopub.publish.checks.finding import Case, Finding, Severity
from vopub.publish.checks.links import Asker, Link, links_of, links_of_settings
from vopub.publish.checks.registry import RESOURCE_LOOKS, SETTINGS_LOOKS
from vopub.publish.state import read_state
from vopub.resources import folder_names
from vopub.settings import CONFIG_NAME, Settings

EARLIEST_ZONE = timedelta(hours=14)
"""How far the clocks of Kiribati are ahead of UTC: there a day begins first."""


def latest_date() -> date:
    """Return the latest date that it is now anywhere on Earth."""
    return (datetime.now(UTC) + EARLIEST_ZONE).date()


def check(
    settings: Settings,
    ids: Sequence[str] = (),
    *,
    today: date,
    strict: bool = False,
    links: bool = False,
) -> list[Finding]:
    """Look for what is wrong with resources and settings; changes nothing, starts nothing.

    Parameters
    ----------
    settings
        The settings, with the folder that the resources are in.
    ids
        Resources by id; all if none is named.
    today
        Dates after this are in the future.
    strict
        Whether it is to be released: then the settings are asked more.
    links
        Whether links are asked; nothing else leaves this machine.

    Raises
    ------
    UsageError
        If a name is unknown, or there is no resource at all.
    """
    names = folder_names(settings.resources, tuple(ids))
    with warnings.catch_warnings(), closing(Asker(settings)) as asker:
        warnings.simplefilter("ignore", UnitsWarning)  # there is a rule for what it says
        everything = {name: reading.read(settings.resources / name) for name in _all(settings)}
        others = {name: folder for name, (folder, _) in everything.items() if folder}
        ask = asker if links else None
        found = list(_of_settings(settings, ask, strict=strict))
        for name in names:
            folder, refused = everything[name]
            found += refused
            if folder is not None:
                published = _published(settings, name)
                found += _of_resource(Case(folder, settings, today, others, published), ask)
    return _each_once(found)


def fails(findings: Sequence[Finding], *, strict: bool) -> bool:
    """Tell whether what was found stands in the way; warnings do if it is to be released."""
    return any(strict or finding.severity is Severity.ERROR for finding in findings)


def _each_once(findings: Sequence[Finding]) -> list[Finding]:
    """Leave out what was found before: resources may share a collection."""
    told: dict[str, Finding] = {}
    for finding in findings:
        told.setdefault(str(finding), finding)
    return list(told.values())


def _all(settings: Settings) -> list[str]:
    return folder_names(settings.resources)


def _published(settings: Settings, name: str) -> str:
    state = read_state(settings.site.directory / "state", name)
    return state.version if state else ""


def _of_settings(settings: Settings, asker: Asker | None, *, strict: bool) -> Iterator[Finding]:
    file = Path(CONFIG_NAME)
    for rule, look in SETTINGS_LOOKS:
        if strict or not rule.release:
            yield from (rule.finding(file, spot) for spot in look(settings))
    yield from _of_links(file, links_of_settings(settings), asker)


def _of_resource(case: Case, asker: Asker | None) -> Iterator[Finding]:
    file = case.folder.description_path
    yield from reading.unusable(case)
    for rule, look in RESOURCE_LOOKS:
        yield from (rule.finding(file, spot) for spot in look(case))
    yield from _of_links(file, links_of(case), asker)


def _of_links(file: Path, links: Iterator[Link], asker: Asker | None) -> Iterator[Finding]:
    for link in links if asker else ():
        if asker and (complaint := asker.complaint(link.url)):
            yield complaint.rule.finding(file, complaint.spot(link))
