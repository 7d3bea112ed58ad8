"""Who holds an identifier: what a token may take, and that a version is one record only."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from vopub.model.resource import KM3OpenResource
from vopub.odc.faults import TakenError
from vopub.odc.many import among
from vopub.odc.schema import ResourceRow, StreamRow
from vopub.odc.search import version_key
from vopub.odc.tokens import Grant, Reach


@dataclass(frozen=True, slots=True)
class Holder:
    """A version of a resource that is here, also if it was withdrawn."""

    kid: str
    identifier: str
    version_key: str
    stream: str
    collection: str


def holders_of(session: Session, kids: Iterable[str], identifiers: Iterable[str]) -> list[Holder]:
    """Return all versions that have one of the ``kid`` or of the identifiers."""
    found: dict[str, Holder] = {}
    wanted = ((ResourceRow.kid, set(kids)), (ResourceRow.identifier, set(identifiers)))
    columns = [getattr(ResourceRow, name) for name in Holder.__dataclass_fields__]
    for column, values in wanted:
        for row in session.execute(select(*columns).where(among(session, column, list(values)))):
            found[row.kid] = Holder(*row)
    return list(found.values())


def check_grant(
    grant: Grant, records: Sequence[KM3OpenResource], there: Sequence[Holder], of_stream: str = ""
) -> None:
    """Let records be written with a token.

    It must include them as they are to be and every version that is there, so that nobody takes
    over what is another's. An identifier that nothing has must be one that the token may take, and
    so must a collection, unless a version that is there names it, or the stream (``of_stream``).

    Raises
    ------
    ForbiddenError
        If it does not.
    """
    if not grant.is_bounded:
        return
    touched = {(holder.identifier, holder.stream) for holder in there}
    for identifier, stream in sorted(touched | {(r.identifier, r.stream) for r in records}):
        grant.check_resource(identifier, stream)
    known = {holder.identifier for holder in there}
    for identifier in sorted({record.identifier for record in records} - known):
        grant.check_new(identifier)
    kept = {(holder.identifier, holder.collection) for holder in there}
    named = {(r.identifier, r.collection) for r in records if r.collection}
    for _, collection in sorted(named - kept):
        if collection != of_stream:
            grant.check_collection(collection)


def collection_of_stream(session: Session, grant: Grant) -> str:
    """Return the collection that the stream of a token belongs to; empty if there is none."""
    if grant.scope.reach is not Reach.STREAM:
        return ""
    row = session.get(StreamRow, grant.scope.target)
    return "" if row is None else str(json.loads(row.summary)["collection"])


def check_versions(records: Sequence[KM3OpenResource], there: Sequence[Holder]) -> None:
    """Let each version be one record: another ``kid`` cannot have it too.

    Two that a store has from before this was checked go on being two.

    Raises
    ------
    TakenError
        If another has it, or two of the records do.
    """
    taken: dict[tuple[str, str], str] = {}
    own = {holder.kid: (holder.identifier, holder.version_key) for holder in there}
    for holder in there:
        taken.setdefault(own[holder.kid], holder.kid)
    for record in records:
        kid, version = str(record.kid), _version(record)
        first = taken.setdefault(version, kid)
        if first != kid and own.get(kid) != version:
            raise _taken(record, first, own)


def _version(record: KM3OpenResource) -> tuple[str, str]:
    return record.identifier, version_key(record.publication.version)


def _taken(record: KM3OpenResource, kid: str, own: Mapping[str, tuple[str, str]]) -> TakenError:
    where = "is here" if kid in own else "is to be written as well"
    what = (
        f"resource {record.identifier!r} cannot have version {record.publication.version} "
        f"as {record.kid}: it {where} as {kid}"
    )
    return TakenError(what, hint="give it another version, or write the record that is there")
