"""The VO's tables of observations and the Datalink service, kept as the descriptors say.

They are tables of one descriptor of their own (``rd_templates/datasets.rd.xml``). Whenever a
resource is loaded, replaced, brought back or removed, all their rows are written anew from the
descriptors that are there, in one transaction: whoever asks sees them as they were, or as they are.
``ivoa.obscore`` is DaCHS's view of them; it never has to be made anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vopub.errors import ServiceError
from vopub.files import shipped, write_text
from vopub.model.server import DachsServer
from vopub.process import service_account
from vopub.vo.candidate import is_candidate
from vopub.vo.dachs import Dachs
from vopub.vo.database import query
from vopub.vo.datasets import Dataset, Datasets, datasets_in
from vopub.vo.examples import DESCRIPTOR_NAME

DIRECTORY = "datasets"
RD_ID = f"{DIRECTORY}/q"
TEMPLATE = "datasets.rd.xml"
OBSCORE = "//obscore"
DID = "obs_publisher_did"
_TABLES = ("datasets", "obscore_hea", "datalinks")
_TAP = "__system__/tap"


def links_url(server: DachsServer) -> str:
    """Return the address of the Datalink service."""
    return f"{server.url}/{RD_ID}/links/dlmeta"


def refresh_observations(server: DachsServer) -> None:
    """Let the tables of observations hold what the descriptors say now.

    Raises
    ------
    ServiceError
        If DaCHS or the database refuses.
    """
    datasets = [dataset for _, own in _published(server) for dataset in own.datasets]
    if not datasets and not _is_installed(server):
        return
    _install(server)
    rows = {
        "datasets": [{DID: each.did, **each.obscore} for each in datasets],
        "obscore_hea": [{DID: each.did, **each.hea} for each in datasets],
        "datalinks": [link for each in datasets for link in _links(each)],
    }
    statements = "".join(_replace(table, rows[table]) for table in _TABLES)
    query(server.database, f"BEGIN; {statements} COMMIT;")


def wrong_observations(server: DachsServer, identifier: str) -> str:
    """Ask the database whether the data sets of a resource are in the tables of observations.

    Returns
    -------
    str
        What is wrong, or nothing.
    """
    said = dict(_published(server)).get(identifier)
    expected = sorted(dataset.did for dataset in said.datasets) if said else []
    sql = (
        "SELECT obs_publisher_did FROM ivoa.obscore NATURAL JOIN ivoa.obscore_hea"
        " WHERE obs_id = :'id' ORDER BY 1"
    )
    if not expected and not _is_installed(server):
        return ""
    found = sorted(did for (did,) in query(server.database, sql, {"id": identifier}))
    if found == expected:
        return ""
    return f"ivoa.obscore has {', '.join(found) or 'none'} instead of {', '.join(expected)}"


def _published(server: DachsServer) -> Iterator[tuple[str, Datasets]]:
    """Yield what every descriptor says, by the name of its directory."""
    for path in sorted(server.inputs.glob(f"*/{DESCRIPTOR_NAME}")):
        if not is_candidate(path.parent.name):
            yield path.parent.name, datasets_in(path.read_text(encoding="utf-8"))


def _is_installed(server: DachsServer) -> bool:
    return (server.inputs / RD_ID).with_suffix(".rd").exists() and _has(server, _TABLES[-1])


def _has(server: DachsServer, table: str) -> bool:
    sql = (
        "SELECT 1 FROM information_schema.tables"
        " WHERE table_schema = 'ivoa' AND table_name = :'table'"
    )
    return bool(query(server.database, sql, {"table": table}))


def _install(server: DachsServer) -> None:
    """Make the tables and the service, unless they are there as this version has them."""
    path = server.inputs / DIRECTORY / DESCRIPTOR_NAME
    text = (shipped("rd_templates") / TEMPLATE).read_text(encoding="utf-8")
    if _is_installed(server) and path.read_text(encoding="utf-8") == text:
        return
    dachs = Dachs(server)
    if not _has(server, "_obscoresources"):
        dachs.import_(OBSCORE)
    path.parent.mkdir(exist_ok=True)
    write_text(path, text)
    for place in (path.parent, path):
        service_account().own(place)
    try:
        dachs.import_(RD_ID)
    except ServiceError:
        path.unlink()  # so that it is tried again
        raise
    for rd_id in (RD_ID, OBSCORE.replace("//", "__system__/"), _TAP):
        dachs.reload(rd_id)


def _links(dataset: Dataset) -> Iterator[dict[str, Any]]:
    for number, link in enumerate(dataset.links, start=1):
        yield {"id": dataset.did, "link_number": number, **link.model_dump()}


def _replace(table: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the SQL that makes rows the only ones of a table."""
    content = json.dumps(rows).replace("'", "''")  # all else is ASCII without any meaning in SQL
    name = f"ivoa.{table}"
    return (
        f"DELETE FROM {name};"  # noqa: S608
        f" INSERT INTO {name} SELECT * FROM json_populate_recordset(NULL::{name}, '{content}');"
    )
