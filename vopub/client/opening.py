"""From a record to the object of the class that its ``ktype`` asks for."""

from __future__ import annotations

from uuid import UUID

from vopub.client.display import plain
from vopub.client.functions import Function, LookUpTable
from vopub.client.media import AcousticWAV, Plot, VOEvent
from vopub.client.objects import KM3Object, KM3Table, VOService
from vopub.client.records import Record, parsed
from vopub.client.source import Source
from vopub.client.tables import AcousticPSD, ResponseFunction
from vopub.errors import ServiceError
from vopub.model.ktype import Ktype

CLASSES: dict[str, type[KM3Object]] = {
    Ktype.EVENTS: KM3Table,
    Ktype.RUN_LIST: KM3Table,
    Ktype.BINNED_DATA: KM3Table,
    Ktype.VO_SERVICE: VOService,
    Ktype.LOOKUP_TABLE: LookUpTable,
    Ktype.FUNCTION: Function,
    Ktype.RESPONSE_FUNCTION: ResponseFunction,
    Ktype.ACOUSTIC_PSD: AcousticPSD,
    Ktype.ACOUSTIC_WAV: AcousticWAV,
    Ktype.VOEVENT: VOEvent,
    Ktype.PLOT: Plot,
}
"""The class for each kind of content; ``KM3Object`` for all others, also for those to come."""


def open_object(kid: UUID, source: Source) -> KM3Object:
    """Fetch the record of a version of a resource and return its object.

    Raises
    ------
    MissingThereError, MissingHereError, ServiceError
        If there is none, or it cannot be used.
    """
    record, body = source.document(f"/api/resources/{kid}", lambda body: (_record(kid, body), body))
    return CLASSES.get(record.ktype, KM3Object)(body, record, source)


def _record(kid: UUID, body: bytes) -> Record:
    record = parsed(Record, body, f"the record {kid}")
    if record.kid != kid:
        what = f"the record {kid} is that of {record.kid} ({plain(record.identifier)})"
        raise ServiceError(what, hint="is this the address of an Open Data Center?")
    return record
