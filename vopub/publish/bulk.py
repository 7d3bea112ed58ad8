"""That a whole table is to be had in one file, whole and in parts: bulk access.

The registry names these files (``rd_templates/bulk.xml``), and they are proved as services are.
"""

from __future__ import annotations

from datetime import UTC, datetime

from vopub.errors import ProofError
from vopub.model.resource import FileReference, KM3OpenResource, ServiceKind, ServiceReference
from vopub.odc.client import OdcClient
from vopub.odc.mappings.identifiers import ivoids_of
from vopub.vo.files import is_whole_table


def with_bulk(client: OdcClient, record: KM3OpenResource) -> KM3OpenResource:
    """Return a record that also points at the files with its whole table, each proved now.

    Parameters
    ----------
    client
        The Open Data Center, where the files were uploaded before.
    record
        What is to be written; one without services of the VO gets none.

    Raises
    ------
    ProofError
        With every file that does not come whole and in parts.
    UnreachableError
        If the Open Data Center does not answer.
    """
    services = tuple(each for each in record.services if each.kind is not ServiceKind.BULK)
    tables = [file for file in record.files if is_whole_table(file)] if services else []
    _require(client, record, tables)
    ivoid = next(iter(ivoids_of(record)), "")
    known = _known(client, record)
    now = datetime.now(UTC).replace(microsecond=0)
    for file in tables:
        url = client.file_url(record.kid, file)
        new = ServiceReference(kind=ServiceKind.BULK, url=url, ivoid=ivoid, proved=now)
        same = known.get(url)
        services += (same if same is not None and same.ivoid == ivoid else new,)
    return record.model_copy(update={"services": services})


def _require(client: OdcClient, record: KM3OpenResource, tables: list[FileReference]) -> None:
    said = {file.name: client.wrong_with_file(record.kid, file) for file in tables}
    found = [f"{name} {what}" for name, what in said.items() if what]
    if found:
        hint = "see the log of the Open Data Center, then publish again"
        raise ProofError("bulk access: " + "; ".join(found), where=record.identifier, hint=hint)


def _known(client: OdcClient, record: KM3OpenResource) -> dict[str, ServiceReference]:
    """Return what was proved of the same files before, so that nothing new is a new record."""
    there = client.get_resource(record.kid)
    if there is None or there.files != record.files:
        return {}
    return {each.url: each for each in there.services if each.kind is ServiceKind.BULK}
