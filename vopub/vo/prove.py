"""The proof of a publication: the services answer, with the right rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import httpx
import numpy as np
import pyvo

from vopub.errors import ProofError, ServiceError
from vopub.model.dataset import TableMetadata
from vopub.model.parameter import Dtype, Parameter
from vopub.model.resource import ServiceKind, ServiceReference
from vopub.model.server import DachsServer
from vopub.vo.asking import ask, direct_session
from vopub.vo.dachs import TABLE, Dachs
from vopub.vo.database import query, row_count
from vopub.vo.descriptor import TEST_RADIUS, ivoid, published_title
from vopub.vo.known_events import KnownEvent, KnownEvents, Value
from vopub.vo.observations import wrong_observations
from vopub.vo.places import descriptor_id

EVERYTHING = 3
"""Verbosity at which a cone search gives all columns."""

Check = Callable[[], str]
"""Returns what is wrong, or nothing."""


def cone_url(server: DachsServer, identifier: str) -> str:
    """Return the address of a resource's cone search."""
    return f"{server.url}/{identifier}/q/cone/scs.xml"


def form_url(server: DachsServer, identifier: str) -> str:
    """Return the address of a resource's form."""
    return f"{server.url}/{identifier}/q/cone/form"


def tap_url(server: DachsServer) -> str:
    """Return the address of the TAP service."""
    return f"{server.url}/tap"


def prove(
    server: DachsServer, metadata: TableMetadata, known: KnownEvents, *, authority: str
) -> tuple[ServiceReference, ...]:
    """Ask every service of a published table, and compare with what was published.

    Parameters
    ----------
    server
        The DaCHS that serves it.
    metadata
        What was published.
    known
        Some of its events, as they were before they went to the server.
    authority
        Authority part of the VO identifiers.

    Returns
    -------
    tuple of ServiceReference
        Cone search, TAP and form: those that answered, all of them.

    Raises
    ------
    ProofError
        With every check that failed.
    """
    checks = list(_checks(server, metadata, known, ivoid(authority, metadata.identifier)))
    _require(checks, metadata.identifier)
    return _references(server, metadata.identifier, authority)


def prove_candidate(
    server: DachsServer, metadata: TableMetadata, known: KnownEvents, name: str
) -> None:
    """Ask the cone search of a candidate, before it replaces what is published.

    Parameters
    ----------
    server, metadata, known
        As for `prove`.
    name
        What the candidate is called in DaCHS.

    Raises
    ------
    ProofError
        With every check that failed.
    """
    as_candidate = metadata.model_copy(update={"identifier": name})
    checks: list[tuple[str, Check]] = [
        ("rows in the table", lambda: _rows(server, as_candidate)),
        *((f"cone search at {event.event_id}", _cone_check(server, as_candidate, event))
          for event in known.events),
        ("form", lambda: _form(server, as_candidate)),
    ]  # fmt: skip
    _require(checks, metadata.identifier)


def quick_check(server: DachsServer, metadata: TableMetadata, known: KnownEvents) -> bool:
    """Tell whether a cone search returns a known event, and the data sets are in the tables."""
    checks: tuple[Check, ...] = (
        lambda: wrong_observations(server, metadata.identifier),
        lambda: _cone(server, metadata, known.first),
    )
    return not any(map(_outcome, checks))


def _require(checks: Sequence[tuple[str, Check]], identifier: str) -> None:
    failures = [f"{name}: {wrong}" for name, check in checks if (wrong := _outcome(check))]
    if failures:
        raise ProofError(
            f"{len(failures)} of {len(checks)} checks failed: " + "; ".join(failures),
            where=identifier,
            hint="run 'vopub doctor', then publish again",
        )


def _checks(
    server: DachsServer, metadata: TableMetadata, known: KnownEvents, identifier: str
) -> Iterator[tuple[str, Check]]:
    yield "rows in the table", lambda: _rows(server, metadata)
    yield "registry", lambda: _registered(server, metadata, identifier)
    yield "tests of the descriptor", lambda: _tests(server, metadata)
    for event in known.events:
        yield f"cone search at {event.event_id}", _cone_check(server, metadata, event)
    yield "TAP", lambda: _tap(server, metadata)
    yield "form", lambda: _form(server, metadata)
    yield "registry record", lambda: _record(server, metadata, identifier)
    yield "observations", lambda: wrong_observations(server, metadata.identifier)


def _cone_check(server: DachsServer, metadata: TableMetadata, event: KnownEvent) -> Check:
    return lambda: _cone(server, metadata, event)


def _outcome(check: Check) -> str:
    """Return what a check found wrong, be it that it could not ask."""
    try:
        return check()
    except (pyvo.dal.DALAccessError, httpx.HTTPError, ServiceError, ET.ParseError) as error:
        return " ".join(str(error).split()) or type(error).__name__


def _rows(server: DachsServer, metadata: TableMetadata) -> str:
    found = row_count(server.database, metadata.identifier, TABLE)
    return "" if found == metadata.rows else f"{found} instead of {metadata.rows}"


def _registered(server: DachsServer, metadata: TableMetadata, identifier: str) -> str:
    sql = (
        "SELECT DISTINCT ivoid FROM dc.resources NATURAL JOIN dc.sets"
        " WHERE sourcerd = :'rd' AND setname = 'ivo_managed' AND NOT deleted"
    )
    found = query(server.database, sql, {"rd": descriptor_id(metadata.identifier)})
    return "" if [identifier] in found else f"{identifier} is not to be handed out"


def _tests(server: DachsServer, metadata: TableMetadata) -> str:
    Dachs(server).test(descriptor_id(metadata.identifier))
    return ""


def _cone(server: DachsServer, metadata: TableMetadata, event: KnownEvent) -> str:
    service = pyvo.dal.SCSService(cone_url(server, metadata.identifier), session=direct_session())
    found = service.search((event.ra, event.dec), TEST_RADIUS, verbosity=EVERYTHING).to_table()
    ids = [str(value) for value in found["event_id"]] if len(found) else []
    if ids.count(event.event_id) != 1:
        return f"returned it {ids.count(event.event_id)} times among {len(ids)} rows"
    row = found[ids.index(event.event_id)]
    missing = [p.name for p in metadata.parameters if p.name not in found.colnames]
    if missing:
        return f"lacks the columns {', '.join(missing)}"
    wrong = [
        f"{p.name} is {row[p.name]} instead of {event.values[p.name]}"
        for p in metadata.parameters
        if not _same(p, row[p.name], event.values[p.name])
    ]
    return ", ".join(wrong)


def _same(parameter: Parameter, served: object, known: Value) -> bool:
    """Compare to the last bit; 'not available' is served as NaN, masked, or empty text."""
    if parameter.dtype is Dtype.TEXT:
        return str(served) == known
    missing = served is np.ma.masked or (isinstance(served, float) and math.isnan(served))
    if missing or known is None:
        return missing and known is None
    return bool(parameter.dtype.numpy.type(served) == parameter.dtype.numpy.type(known))


def _tap(server: DachsServer, metadata: TableMetadata) -> str:
    adql = f"SELECT COUNT(*) AS n FROM {metadata.identifier}.{TABLE}"  # noqa: S608
    service = pyvo.dal.TAPService(tap_url(server), session=direct_session())
    found = int(service.search(adql)[0]["n"])
    return "" if found == metadata.rows else f"counts {found} instead of {metadata.rows}"


def _form(server: DachsServer, metadata: TableMetadata) -> str:
    answer = ask(form_url(server, metadata.identifier))
    if not answer.is_success:
        return f"HTTP {answer.status_code}"
    return "" if "hscs_pos" in answer.text else "has no field for a position"


def _record(server: DachsServer, metadata: TableMetadata, identifier: str) -> str:
    question = {"verb": "GetRecord", "metadataPrefix": "ivo_vor", "identifier": identifier}
    answer = ask(f"{server.url}/oai.xml", question)
    if not answer.is_success:
        return f"HTTP {answer.status_code}"
    record = ET.fromstring(answer.content)  # noqa: S314  # from the server we publish to
    titles = [" ".join((title.text or "").split()) for title in record.iter("title")]
    expected = published_title(metadata)
    return "" if expected in titles else f"there is none with the title {expected!r}"


def _references(
    server: DachsServer, identifier: str, authority: str
) -> tuple[ServiceReference, ...]:
    now = datetime.now(UTC).replace(microsecond=0)
    name = ivoid(authority, identifier)
    return (
        ServiceReference(
            kind=ServiceKind.SCS, url=cone_url(server, identifier), ivoid=name, proved=now
        ),
        ServiceReference(
            kind=ServiceKind.TAP,
            url=tap_url(server),
            table=f"{identifier}.{TABLE}",
            ivoid=f"ivo://{authority}/tap",
            proved=now,
        ),
        ServiceReference(
            kind=ServiceKind.FORM, url=form_url(server, identifier), ivoid=name, proved=now
        ),
    )
