"""Which site a detector stands at, as far as its number or name tells."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from vopub.errors import InputError
from vopub.events.coordinates import SITES
from vopub.events.readers.base import FileHeader

DETECTORS: Mapping[int, str] = {44: "ORCA", 49: "ORCA", 133: "ARCA", 232: "ARCA"}
"""Sites of detectors by number, as far as they are public.

Sources, all in km3net-testdata: 44 and 49 are ORCA with 4 and 6 detection units (``detid`` is
D_ORCA006 in a DST of 49); 133 has the position of ARCA in its detector file; 232 is D0ARCA030 in
the notes on its geometry. Detectors that are not listed here have to be named by their file.
"""


def is_unlisted(runs: Iterable[tuple[int, int]]) -> bool:
    """Tell whether any pair of detector and run is of a detector whose site is not listed."""
    return any(detector not in DETECTORS for detector, _ in runs)


def site_named(name: str) -> str | None:
    """Return the site in the name of a detector, e.g. ``ORCA`` for ``D_ORCA006``."""
    return next((site for site in SITES if site in name.upper()), None)


def sites_of(header: FileHeader) -> dict[str, str]:
    """Return the sites that a file's detectors stand at, each with what tells it."""
    named = site_named(header.detector)
    sites = {named: f"detector {header.detector}"} if named else {}
    numbers = set() if header.simulated else {run.detector_id for run in header.runs}
    for number in sorted(numbers & set(DETECTORS)):
        sites.setdefault(DETECTORS[number], f"detector {number}")
    return sites


def check_site(header: FileHeader, site: str, *, where: object) -> None:
    """Check that a file is not from a detector at another site than the resource's.

    Files of several configurations at one site, such as ORCA4 and ORCA6, go together. The numbers
    in simulated files are not looked at: simulations choose them freely.

    Raises
    ------
    InputError
        If it is.
    """
    for other, told_by in sites_of(header).items():
        if other != site:
            raise InputError(
                f"is from {other} ({told_by}), the resource is of {site}",
                where=where,
                hint="set 'detector' in resource.toml to what is true, or leave the file out",
            )


def check_detectors(header: FileHeader, allowed: Collection[int], *, where: object) -> None:
    """Check that an observed file is from none but the detectors that the resource names.

    Parameters
    ----------
    header
        What the file says about itself.
    allowed
        Numbers of detectors; any will do if there are none. A file of a layout that does not tell
        its detector is refused if there are some.
    where
        The file, for errors.

    Raises
    ------
    InputError
        If it is from another, or does not tell.
    """
    if not allowed or header.simulated:
        return
    hint = "leave the file out, or add to 'detector_ids' in resource.toml what belongs there"
    wanted = ", ".join(map(str, sorted(allowed)))
    there = {run.detector_id for run in header.runs}
    if "detector_id" in header.lacks:
        what = f"does not tell its detector, the resource is of {wanted}"
        raise InputError(what, where=where, hint=hint)
    others = ", ".join(map(str, sorted(there - set(allowed))))
    if others:
        what = f"is from detector {others}, the resource is of {wanted}"
        raise InputError(what, where=where, hint=hint)
