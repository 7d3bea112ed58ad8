"""Lines to copy: how to get at a resource with the programs that astronomers and physicists use."""

from __future__ import annotations

import json
from dataclasses import dataclass
from shlex import quote
from urllib.parse import urlencode

from vopub.model.resource import (
    FileReference,
    KM3OpenResource,
    RemoteFile,
    ServiceKind,
    ServiceReference,
)

WHOLE_SKY = {"RA": "0", "DEC": "0", "SR": "180"}
"""A cone that takes in every direction, so that the lines show something wherever events are."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A way to get at the data."""

    tool: str
    """The program, e.g. ``pyvo``."""
    lines: str
    """What to type or paste."""
    note: str = ""
    """Where to paste it."""


def store_recipe(record: KM3OpenResource, base: str) -> Recipe:
    """Return how to get at a resource with this project's own client."""
    read = "resource.data" if record.every_file else "resource.show_metadata()"
    lines = [
        "from vopub import KM3Store", f"store = KM3Store({json.dumps(base)})",
        f"resource = store.get({json.dumps(record.identifier)})", read,
    ]  # fmt: skip
    return Recipe("KM3Store, the Python client", "\n".join(lines))


def service_recipes(service: ServiceReference) -> list[Recipe]:
    """Return the ways to ask a service."""
    ways = {
        ServiceKind.SCS: _cone_recipes, ServiceKind.TAP: _tap_recipes,
        ServiceKind.BULK: _bulk_recipes,
    }  # fmt: skip
    return ways[service.kind](service) if service.kind in ways else []


def file_recipes(file: FileReference | RemoteFile, url: str) -> list[Recipe]:
    """Return the ways to read a file of a known kind; the link to it is there for all others."""
    kind = file.media_type.partition(";")[0]
    if kind == "text/csv":
        lines = f"import pandas\ntable = pandas.read_csv({json.dumps(url)})"
        return [Recipe("pandas", lines)]
    if kind in ("application/x-hdf5", "application/x-hdf", "application/vnd.hdfgroup.hdf5"):
        lines = f"with h5py.File({json.dumps(file.name)}) as file:\n    file.visititems(print)"
        return [Recipe("h5py", f"import h5py\n{lines}", "After the download, in Python:")]
    return []


def download_recipe(url: str, file: FileReference | RemoteFile) -> Recipe:
    """Return how to download a file and, if its checksum is known, check that it is whole."""
    if isinstance(file, FileReference):
        fetch = f"curl --fail --remote-name {quote(url)}"
    else:
        fetch = f"curl --fail --location --output {quote(file.name)} {quote(url)}"
    if file.sha256 is None:
        return Recipe("curl", fetch, "No checksum of this file is known:")
    check = f"echo {quote(f'{file.sha256}  {file.name}')} | sha256sum --check"
    return Recipe("curl", f"{fetch}\n{check}")


def cone_url(service: str, cone: dict[str, str]) -> str:
    """Return the address of one cone search.

    Source: Simple Cone Search 1.03, section 2.1: the base may or may not end in ``?`` or ``&``.
    """
    joint = "" if service.endswith(("?", "&")) else "&" if "?" in service else "?"
    return service + joint + urlencode(cone)


def _cone_recipes(service: ServiceReference) -> list[Recipe]:
    url, whole = service.url, cone_url(service.url, WHOLE_SKY)
    return [
        Recipe(
            "pyvo",
            "import pyvo\n"
            "ra, dec, radius = 0, 0, 180  # degrees\n"
            f"events = pyvo.dal.SCSService({json.dumps(url)}).search((ra, dec), radius)\n"
            "print(events.to_table())",
        ),
        Recipe(
            "TOPCAT", url, "In TOPCAT: VO, Cone Search; paste this as the Cone URL:"
        ),
        Recipe("TOPCAT, from a shell", f"topcat -f votable {quote(whole)}"),
        Recipe(
            "STILTS",
            f"stilts cone serviceurl={quote(url)} lon=0 lat=0 radius=180 out=events.fits",
        ),
        Recipe("Aladin Desktop", f"load {whole}", "Open the console (F5) and paste:"),
        Recipe(
            "Aladin Lite",
            f"aladin.addCatalog(A.catalogFromURL({json.dumps(whole)}, {{}}));",
            "In a page with Aladin Lite whose map is called aladin:",
        ),
        Recipe("curl", f"curl --fail --output events.vot {quote(whole)}"),
    ]  # fmt: skip


def _bulk_recipes(service: ServiceReference) -> list[Recipe]:
    lines = f"curl --fail --continue-at - --remote-name {quote(service.url)}"
    return [Recipe("curl", lines, "Again after it broke off, it goes on where it was:")]


def _tap_recipes(service: ServiceReference) -> list[Recipe]:
    url = service.url
    table = service.table or "tap_schema.tables"
    query = f"SELECT TOP 100 * FROM {table}"  # noqa: S608 - shown to the reader, never run here
    return [
        Recipe(
            "pyvo",
            "import pyvo\n"
            f"service = pyvo.dal.TAPService({json.dumps(url)})\n"
            f"print(service.search({json.dumps(query)}).to_table())",
        ),
        Recipe(
            "STILTS", f"stilts tapquery tapurl={quote(url)} adql={quote(query)} out=events.fits"
        ),
        Recipe("TOPCAT", url, "In TOPCAT: VO, Table Access Protocol; paste this as the TAP URL:"),
        Recipe(
            "curl",
            f"curl --fail --output events.vot --data LANG=ADQL --data-urlencode "
            f"{quote(f'QUERY={query}')} {quote(url.rstrip('/') + '/sync')}",
        ),
    ]
