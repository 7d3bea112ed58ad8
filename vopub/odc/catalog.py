"""The catalogue: everything there is, in short, in one answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from vopub.model.resource import SCHEMA_VERSION
from vopub.odc.ownership import Owned
from vopub.odc.schema import CollectionRow, GroupingRow, ResourceRow, StreamRow
from vopub.odc.search import IN_ORDER

MOST_VARIABLES = 10_000
"""Values in one statement; SQLite's own limit is 32766."""


class KeptCatalog:
    """The catalogue, kept until something is written, which only processes of this service do.

    Parameters
    ----------
    owned
        What these have in common.
    make
        Makes it as it is now.
    """

    def __init__(self, owned: Owned, make: Callable[[], bytes]) -> None:
        self._owned = owned
        self._make = make
        self._kept = (b"", b"")

    def body(self) -> bytes:
        """Return it, a ``Catalog`` as JSON."""
        made, body = self._kept
        if made != (written := self._owned.writes.now()):
            made = written  # before reading: a write that comes between makes it old
            body = self._make()
            self._kept = made, body
            self._owned.catalog.write(made, sha256(body).digest())
        return body

    def digest(self) -> str:
        """Return its SHA-256 in hex if one of the processes knows it, else nothing."""
        return self._owned.catalog.read(self._owned.writes.now()).hex()


def assemble(session: Session, stream: str, elements: Iterable[UUID]) -> bytes:
    """Return a ``Catalog`` as JSON.

    The summaries are JSON already: put together as text, ten thousand take milliseconds.

    Parameters
    ----------
    session
        A transaction that reads.
    stream
        Whose elements it lists; empty for everything that is no element of a stream.
    elements
        What the stream itself names as its elements.
    """
    listed = (
        select(ResourceRow.summary)
        .where(ResourceRow.withdrawn.is_(None), ResourceRow.stream == stream)
        .order_by(*IN_ORDER)
    )
    resources = dict.fromkeys([*session.scalars(listed), *summaries_of(session, elements)])
    groupings = () if stream else (StreamRow, CollectionRow)
    parts: dict[str, Iterable[str]] = {"resources": resources, "streams": (), "collections": ()}
    parts |= {table.__tablename__: _summaries(session, table) for table in groupings}
    body = ",".join(f'"{key}":[{",".join(texts)}]' for key, texts in parts.items())
    return f'{{"schema_version":"{SCHEMA_VERSION}",{body}}}'.encode()


def summaries_of(session: Session, kids: Iterable[UUID]) -> list[str]:
    """Return the summaries of the resources with these ``kid``, in this order, as JSON."""
    wanted = [str(kid) for kid in kids]
    rows = select(ResourceRow.kid, ResourceRow.summary).where(ResourceRow.withdrawn.is_(None))
    found: dict[str, str] = {}
    for start in range(0, len(wanted), MOST_VARIABLES):
        some = ResourceRow.kid.in_(wanted[start : start + MOST_VARIABLES])
        found |= dict(session.execute(rows.where(some)).all())
    return [found[kid] for kid in wanted if kid in found]


def _summaries(session: Session, table: type[GroupingRow]) -> Sequence[str]:
    listed = select(table.summary).where(table.withdrawn.is_(None))
    return session.scalars(listed.order_by(table.identifier)).all()
