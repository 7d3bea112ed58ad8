"""The tables of the store's database; the migrations make the same ones."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMES = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "ix": "ix_%(table_name)s_%(column_0_name)s",
}

NO_STREAM = text("stream = ''")
"""That a resource is no element of a stream, as databases know it from their index of those."""
WHOLE = BigInteger().with_variant(Integer(), "sqlite")
"""Whole numbers of 64 bit; what SQLite calls INTEGER has them."""


def ordered_text(length: int) -> String:
    """Return the type of text that is ordered by its bytes, whatever the database's language."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


class Base(DeclarativeBase):
    """Everything the database holds."""

    metadata = MetaData(naming_convention=NAMES)


class KeptRow(Base):
    """What resources, streams and collections have in common."""

    __abstract__ = True

    record: Mapped[str] = mapped_column(Text)
    """As JSON."""
    written: Mapped[datetime] = mapped_column(DateTime)
    """UTC."""
    summary: Mapped[str] = mapped_column(Text)
    """What lists and the catalogue say about it, as JSON."""
    withdrawn: Mapped[datetime | None] = mapped_column(DateTime)
    """UTC; None if it is there."""
    reason: Mapped[str] = mapped_column(Text, default="")
    """Why it was withdrawn."""


class ResourceRow(KeptRow):
    """A KM3OpenResource, and the columns it is found by; its summary is a ``ResourceSummary``."""

    __tablename__ = "resources"
    __table_args__ = (
        # What lists by identifier are ordered by is read from it, without the resources.
        Index("ix_resources_number", "number", "identifier", "version_key", unique=True),
        Index("ix_resources_in_order", "identifier", "version_key", "number"),
        Index("ix_resources_moment", "moment", "number"),
        Index("ix_resources_lasting", "lasting", "moment", "number", "ends", "withdrawn"),
        Index("ix_resources_written", "written", "kid"),
        *(
            Index(f"ix_resources_{facet}_{order}", facet, order)
            for facet in ("ktype", "collection")
            for order in ("identifier", "moment", "number")
        ),
        Index(
            "ix_resources_alone",
            "collection",
            "identifier",
            sqlite_where=NO_STREAM,
            postgresql_where=NO_STREAM,
        ),
        Index("ix_resources_stream_identifier", "stream", "identifier"),
        Index("ix_resources_stream_moment", "stream", "moment", "number", "latest", "withdrawn"),
    )

    kid: Mapped[str] = mapped_column(String(36), primary_key=True)
    number: Mapped[int] = mapped_column(WHOLE)
    """Counts resources as they were registered first; never changes."""
    identifier: Mapped[str] = mapped_column(ordered_text(64))
    version_key: Mapped[str] = mapped_column(ordered_text(128))
    """The version in a form whose order as text is the order of versions."""
    latest: Mapped[bool] = mapped_column(Boolean)
    """Whether it is the newest version of those that were not withdrawn."""
    ktype: Mapped[str] = mapped_column(String(32))
    collection: Mapped[str] = mapped_column(String(64))
    stream: Mapped[str] = mapped_column(String(64))
    moment: Mapped[datetime] = mapped_column(DateTime)
    """UTC: when its data begin; if it does not say, the day it was published."""
    ends: Mapped[datetime | None] = mapped_column(DateTime)
    """UTC: when its data end; None if it does not say."""
    lasting: Mapped[int] = mapped_column(Integer, server_default="0")
    """They end before 2 to the power of this seconds passed; see ``ways.lasting``."""
    words: Mapped[str] = mapped_column(Text)
    """What a search looks for: its words as ``words.tokens_of`` makes them."""


RESOURCES = Base.metadata.tables[ResourceRow.__tablename__]
"""The table as such, for writing thousands of rows."""
RESOURCE = RESOURCES.c
"""Its columns, for lists: with those of the row's class, a statement takes half as long again."""


class TallyRow(Base):
    """How many resources there are of a kind, in a collection and a stream; kept by ``index``."""

    __tablename__ = "tallies"
    __table_args__ = (Index("ix_tallies_stream", "stream"),)

    ktype: Mapped[str] = mapped_column(String(32), primary_key=True)
    collection: Mapped[str] = mapped_column(String(64), primary_key=True)
    stream: Mapped[str] = mapped_column(String(64), primary_key=True)
    latest: Mapped[bool] = mapped_column(Boolean, primary_key=True)
    resources: Mapped[int] = mapped_column(WHOLE)


class TotalRow(Base):
    """The same of all streams together; a few rows, of which most sums are made."""

    __tablename__ = "totals"

    ktype: Mapped[str] = mapped_column(String(32), primary_key=True)
    collection: Mapped[str] = mapped_column(String(64), primary_key=True)
    latest: Mapped[bool] = mapped_column(Boolean, primary_key=True)
    resources: Mapped[int] = mapped_column(WHOLE)


class SkyRow(Base):
    """A range of cells of the sky (HEALPix, nested, order 29) that a resource covers."""

    __tablename__ = "sky"

    number: Mapped[int] = mapped_column(WHOLE, primary_key=True, autoincrement=False)
    first: Mapped[int] = mapped_column(WHOLE, primary_key=True, autoincrement=False)
    stop: Mapped[int] = mapped_column(WHOLE)
    """The first cell after the range."""


class FactRow(Base):
    """What the store remembers of itself, e.g. by which rules its index was made."""

    __tablename__ = "facts"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class NotedChange(Base):
    """What was done, by whom and when."""

    __abstract__ = True

    number: Mapped[int] = mapped_column(WHOLE, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(16))
    moment: Mapped[datetime] = mapped_column(DateTime)
    """UTC."""
    who: Mapped[str] = mapped_column(String(128))
    reason: Mapped[str] = mapped_column(Text)
    differences: Mapped[str] = mapped_column(Text)
    """What was said before and what is said now, place by place, as JSON."""


class ChangeRow(NotedChange):
    """What was done to a resource."""

    __tablename__ = "changes"
    __table_args__ = (Index("ix_changes_resource", "resource", "number"),)

    resource: Mapped[int] = mapped_column(WHOLE)
    """Its number: that grows, so that those of many changes lie side by side in the index."""


class GroupingChangeRow(NotedChange):
    """What was done to a stream or a collection."""

    __tablename__ = "grouping_changes"
    __table_args__ = (Index("ix_grouping_changes_grouping", "grouping", "identifier", "number"),)

    grouping: Mapped[str] = mapped_column(String(16))
    """``stream`` or ``collection``."""
    identifier: Mapped[str] = mapped_column(String(64))


class TokenRow(Base):
    """A token for writing, of which only the digest is kept."""

    __tablename__ = "tokens"
    __table_args__ = (Index("ix_tokens_digest", "digest", unique=True),)

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))
    """SHA-256 as 64 hex digits; the token has 256 random bits, so no salt is needed."""
    scope: Mapped[str] = mapped_column(String(128))
    created: Mapped[datetime] = mapped_column(DateTime)
    revoked: Mapped[datetime | None] = mapped_column(DateTime)


class UploadRow(Base):
    """Bytes that were stored under a name for a resource, published or not yet."""

    __tablename__ = "uploads"

    kid: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(String(128), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    size: Mapped[int] = mapped_column(WHOLE)
    written: Mapped[datetime] = mapped_column(DateTime)


class PublishedFileRow(Base):
    """The bytes that the record of a resource names; they cannot be missing from the uploads."""

    __tablename__ = "published_files"
    __table_args__ = (
        ForeignKeyConstraint(
            ["kid", "name", "sha256"], ["uploads.kid", "uploads.name", "uploads.sha256"]
        ),
    )

    kid: Mapped[str] = mapped_column(
        String(36), ForeignKey("resources.kid", ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(String(128), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(WHOLE)
    media_type: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(String(32))


class GroupingRow(KeptRow):
    """What streams and collections have in common."""

    __abstract__ = True

    identifier: Mapped[str] = mapped_column(String(64), primary_key=True)


class StreamRow(GroupingRow):
    """A KM3ResourceStream as JSON."""

    __tablename__ = "streams"


class CollectionRow(GroupingRow):
    """A KM3ResourceCollection as JSON."""

    __tablename__ = "collections"
