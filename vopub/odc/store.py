"""The store of the Open Data Center: records in SQLite, files by their content.

Whoever reads sees a record as it was before a write or as it is after, never in between, also
when the process is killed; a record never names a file that is not here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from vopub.model.ktype import Ktype
from vopub.model.resource import ID_PATTERN, FileRole, KM3OpenResource, KM3ResourceStream
from vopub.odc import index, paging, tallies
from vopub.odc.answers import Outcome, ResourceList, ResourceSummary, Uploaded
from vopub.odc.blobs import Blobs
from vopub.odc.catalog import KeptCatalog, assemble, summaries_of
from vopub.odc.changes import Past
from vopub.odc.conditions import ALWAYS, Condition
from vopub.odc.database import connected, database_of, writing
from vopub.odc.entries import Entry
from vopub.odc.faults import NotFoundError
from vopub.odc.file_types import USUAL, FileTypes
from vopub.odc.groupings import Groupings
from vopub.odc.life import Life, gone, gone_as_a_whole
from vopub.odc.looking import Looks
from vopub.odc.moment import now
from vopub.odc.one_by_one import OneByOne
from vopub.odc.ownership import Owned, own
from vopub.odc.paging import Count, Page, Sort
from vopub.odc.registering import Sender, bring, register
from vopub.odc.schema import PublishedFileRow, ResourceRow, UploadRow
from vopub.odc.search import EVERYTHING, Query, conditions, given, shape_of
from vopub.odc.tokens import Grant, Tokens
from vopub.odc.ways import Sought

FILES = "files"
"""Directory of the files, by their content."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file as it is served."""

    name: str
    path: Path
    sha256: str
    size: int
    media_type: str
    role: FileRole

    @property
    def etag(self) -> str:
        """The entity tag of HTTP: other bytes have another one."""
        return f'"{self.sha256}"'


class Store:
    """Records and files in one directory, of which only one service can be the owner.

    Parameters
    ----------
    directory
        Made if missing; holds ``files/``, and ``odc.db`` unless there is another database.
    database
        Address of a database of PostgreSQL to keep the records in instead, as
        ``database.open_postgresql`` has it.
    accepted
        Types of files that those who send records may name.
    owned
        What ``prepare`` returned, in one of several processes that serve the directory together;
        None if only this one does.

    Raises
    ------
    BusyError, FileError, ServiceError, UsageError
        As ``prepare``.
    """

    def __init__(
        self, directory: Path, database: str = "", accepted: FileTypes = USUAL,
        owned: Owned | None = None,
    ) -> None:  # fmt: skip
        self.accepted = accepted
        self._owned = owned or prepare(directory, database)
        self._closed = False
        self.blobs = Blobs(directory / FILES)
        self._engine = connected(directory, database)
        self._reading = Looks(self._engine)
        self._writing = OneByOne(self._engine, self._owned)
        self.tokens = Tokens(self._reading, self._writing)
        self.life = Life(self._reading, self._writing)
        self.groupings = Groupings(self._reading, self._writing, self._owned)
        self.catalog = KeptCatalog(self._owned, self.make_catalog)

    def close(self) -> None:
        """Close the database and give up the directory; again does nothing."""
        if not self._closed:
            self._closed = True
            self._writing.close()
            self._engine.dispose()
            self._owned.close()

    def check(self) -> None:
        """Reach the database; raises if that fails."""
        with self._reading() as session:
            session.execute(select(1))

    def reading(self) -> AbstractContextManager[Session]:
        """Return a transaction that reads; what is read inside by others is read in the same."""
        return self._reading()

    # -- resources ---------------------------------------------------------------------------

    def put_resource(
        self, record: KM3OpenResource, condition: Condition = ALWAYS, *, who: str = "",
        grant: Grant | None = None,
    ) -> Outcome:  # fmt: skip
        """Write a record whose files were uploaded before; an equal one changes nothing.

        A withdrawn record that is written again is back.

        Raises
        ------
        RefusedError
            If a file that it names was not uploaded, or has other bytes, or it says what cannot
            be; nothing is changed.
        TakenError
            If another record has this version; nothing is changed.
        ChangedError
            If the condition does not hold of the record that is there; nothing is changed.
        """
        return self.put_resources([record], {record.kid: condition}, who=who, grant=grant)[0]

    def put_resources(
        self, records: Sequence[KM3OpenResource],
        conditions: Mapping[UUID, Condition] = MappingProxyType({}), *, who: str = "",
        grant: Grant | None = None,
    ) -> list[Outcome]:  # fmt: skip
        """Write many records, all or none of them; raises like ``put_resource``.

        With ``grant``, raises ForbiddenError if it does not include each of them.

        Returns
        -------
        list
            What was done with each.
        """
        accepted = self.accepted if grant is not None else None
        entries = [Entry.of(record, accepted=accepted) for record in records]
        with self._writing.begin() as session:
            return register(session, self.blobs, entries, conditions, Sender(who, grant))

    def bring_resource(self, record: KM3OpenResource, text: str, past: Past) -> None:
        """Write a record as another store had it, with what became of it there; for imports.

        As ``registering.bring``; its files were stored before.
        """
        with self._writing.begin() as session:
            bring(session, self.blobs, record, text, past)

    def check_grant(self, kid: UUID, grant: Grant) -> None:
        """Let what is there under a ``kid`` be changed; raises ForbiddenError if it may not."""
        with self._reading() as session:
            _check_grant(session, kid, grant)

    def get_resource_json(self, kid: UUID) -> str:
        """Return a record as it was written.

        Raises
        ------
        NotFoundError, GoneError
            If there is none, or it was withdrawn.
        """
        return self.life.present(kid).record

    def get_resource(self, kid: UUID) -> KM3OpenResource:
        """Return a record; raises like ``get_resource_json``."""
        return KM3OpenResource.model_validate_json(self.get_resource_json(kid))

    def latest(self, identifier: str) -> KM3OpenResource:
        """Return the latest version of a resource.

        Raises
        ------
        NotFoundError, GoneError
            If there is none with this identifier, or every version was withdrawn.
        """
        if not re.fullmatch(ID_PATTERN, identifier):  # a database may not even bear the text
            raise NotFoundError(f"there is no resource {identifier!r}")
        query = Query(identifier=identifier, latest=True)
        with self._reading() as session:
            chosen = select(ResourceRow.record).where(*conditions(shape_of(query)))
            text = session.scalar(chosen, given(query))
            left = gone_as_a_whole(session, identifier) if text is None else None
        if text is None:
            raise left or NotFoundError(f"there is no resource {identifier!r}")
        return KM3OpenResource.model_validate_json(text)

    def page(
        self, query: Query, sort: Sort = Sort.IDENTIFIER, cursor: str = "", limit: int = 50
    ) -> Page:
        """Return a page of the list of the resources that match, and how to go on from there.

        Takes as long for the last page as for the first. ``query.limit`` and ``offset`` do not
        count.

        Parameters
        ----------
        query
            What to list.
        sort
            In which order.
        cursor
            ``later`` or ``earlier`` of another page of the same list; empty for the first page.
        limit
            Most resources on the page.

        Raises
        ------
        RefusedError
            If the cursor is not one of this list.
        """
        with self._reading() as session:
            return paging.page_of(Sought(session, query), sort, cursor, limit)

    def counted_page(
        self, query: Query, sort: Sort = Sort.IDENTIFIER, cursor: str = "", limit: int = 50
    ) -> tuple[Page, Count]:
        """Return the same as ``page`` and ``count``, sooner than both and of the same moment."""
        with self._reading() as session:
            sought = Sought(session, query)
            return paging.page_of(sought, sort, cursor, limit), paging.count_of(sought)

    def count(self, query: Query) -> Count:
        """Return how many match; not exact where each of very many had to be looked at."""
        with self._reading() as session:
            return paging.count_of(Sought(session, query))

    def tally(
        self, facet: str, query: Query = EVERYTHING, names: Collection[str] | None = None
    ) -> dict[str, int]:
        """Return how many resources there are by ``ktype``, ``collection`` or ``stream``.

        Of the query, the same three, ``alone`` and ``latest`` count; with ``names``, only those
        are told. Takes a millisecond, however many resources there are.
        """
        with self._reading() as session:
            return tallies.by_facet(session, facet, query, names)

    def find(self, query: Query) -> ResourceList:
        """Return the resources that match, with their exact number: for short lists."""
        with self._reading() as session:
            total = paging.exact_count_of(session, query)
            texts = paging.piece_of(session, query)
        return ResourceList(
            total=total, limit=query.limit, offset=query.offset,
            resources=tuple(ResourceSummary.model_validate_json(text) for text in texts),
        )  # fmt: skip

    def named(self, kids: Iterable[UUID]) -> list[ResourceSummary]:
        """Return the resources with these ``kid``, in this order, without those not here."""
        with self._reading() as session:
            return [
                ResourceSummary.model_validate_json(text) for text in summaries_of(session, kids)
            ]

    def count_by_ktype(self) -> dict[Ktype, int]:
        """Return how many resources there are of each kind, all versions counted."""
        return {Ktype(ktype): count for ktype, count in self.tally("ktype").items()}

    def withdraw(
        self, kid: UUID, reason: str, condition: Condition = ALWAYS, *, who: str = "",
        grant: Grant | None = None,
    ) -> None:  # fmt: skip
        """Take a record back; as ``life.withdraw``, which says more of the life of resources."""
        self.life.withdraw(kid, reason, condition, who=who, grant=grant)

    def make_catalog(self, stream: str = "") -> bytes:
        """Return the catalogue as it is now; with ``stream``, the elements of that stream.

        Raises
        ------
        NotFoundError, GoneError
            If there is no such stream, or it was withdrawn.
        """
        elements = self.groupings.get(KM3ResourceStream, stream).resources if stream else ()
        with self._reading.apart() as session:
            return assemble(session, stream, elements)

    # -- files -------------------------------------------------------------------------------

    def put_file(
        self, kid: UUID, name: str, sha256: str, chunks: Iterable[bytes], *, most: int,
        grant: Grant | None = None,
    ) -> Uploaded:  # fmt: skip
        """Store a file of a resource; it is served once a record names it.

        Raises
        ------
        RefusedError, TooLargeError, FileError
            As ``Blobs.receive``.
        ForbiddenError
            If there is a ``grant`` that does not include the resource that is there.
        """
        size = self.blobs.receive(sha256, chunks, most=most)
        row = UploadRow(kid=str(kid), name=name, sha256=sha256, size=size, written=now())
        with self._writing.begin() as session:
            if grant is not None:
                _check_grant(session, kid, grant)
            session.merge(row)
        return Uploaded(name=name, sha256=sha256, size=size)

    def get_file(self, kid: UUID, name: str, sha256: str | None = None) -> StoredFile:
        """Return a file of a resource: the one its record names, or the one with these bytes.

        Raises
        ------
        NotFoundError, GoneError
            If there is none, or the resource was withdrawn.
        """
        with self._reading() as session:
            resource = session.get(ResourceRow, str(kid))
            if resource is not None and resource.withdrawn is not None:
                raise gone(session, resource)
            file = session.get(PublishedFileRow, (str(kid), name))
            if file is not None and sha256 in (None, file.sha256):
                kind = (file.media_type, FileRole(file.role))
                found: PublishedFileRow | UploadRow | None = file
            else:
                kind = ("application/octet-stream", FileRole.DATA)
                found = session.get(UploadRow, (str(kid), name, sha256)) if sha256 else None
        if found is None or not self.blobs.holds(found.sha256, found.size):
            raise NotFoundError(f"resource {kid} has no such file {name!r}")
        path = self.blobs.path(found.sha256)
        return StoredFile(name, path, found.sha256, found.size, *kind)


def prepare(directory: Path, database: str = "", processes: int = 1) -> Owned:
    """Own the directory of a store, and bring all that it holds up to date.

    Parameters
    ----------
    directory, database
        As ``Store`` has them.
    processes
        How many will serve it, which are forked from this one.

    Raises
    ------
    BusyError
        If another service has the directory.
    FileError
        If the directory or the database in it cannot be used.
    ServiceError, UsageError
        If PostgreSQL cannot be used, or its address is none.
    """
    owned = own(directory, processes)
    try:
        Blobs(directory / FILES).sweep()
        engine = database_of(directory, database)
        try:
            with Session(writing(engine)) as session, session.begin():
                index.ensure(session)
        finally:
            engine.dispose()
    except BaseException:
        owned.close()
        raise
    return owned


def _check_grant(session: Session, kid: UUID, grant: Grant) -> None:
    row = session.get(ResourceRow, str(kid))
    if row is not None:
        grant.check_resource(row.identifier, row.stream)
