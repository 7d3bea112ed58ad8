"""The tables of the store's database; the migrations make the same ones."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import DateTime, ForeignKey, ForeignKeyConstraint, MetaData, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMES = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "ix": "ix_%(table_name)s_%(column_0_name)s",
}


class Base(DeclarativeBase):
    """Everything the database holds."""

    metadata = MetaData(naming_convention=NAMES)


class ResourceRow(Base):
    """A KM3OpenResource as JSON, and the columns it is found by."""

    __tablename__ = "resources"

    kid: Mapped[str] = mapped_column(String(36), primary_key=True)
    identifier: Mapped[str] = mapped_column(String(64), index=True)
    version_key: Mapped[str] = mapped_column(String(128))
    """The version in a form whose order as text is the order of versions."""
    ktype: Mapped[str] = mapped_column(String(32), index=True)
    collection: Mapped[str] = mapped_column(String(64), index=True)
    stream: Mapped[str] = mapped_column(String(64), index=True)
    words: Mapped[str] = mapped_column(Text)
    """The text that a search looks through, case folded."""
    record: Mapped[str] = mapped_column(Text)
    written: Mapped[datetime] = mapped_column(DateTime)
    """UTC."""
    summary: Mapped[str] = mapped_column(Text)
    """What lists say about it, as JSON: a ``ResourceSummary``."""
    withdrawn: Mapped[datetime | None] = mapped_column(DateTime)
    reason: Mapped[str] = mapped_column(Text, default="")
    """Why it was withdrawn."""


class UploadRow(Base):
    """Bytes that were stored under a name for a resource, published or not yet."""

    __tablename__ = "uploads"

    kid: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(String(128), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    size: Mapped[int]
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
    size: Mapped[int]
    media_type: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(String(32))


class GroupingRow(Base):
    """What streams and collections have in common."""

    __abstract__ = True

    identifier: Mapped[str] = mapped_column(String(64), primary_key=True)
    record: Mapped[str] = mapped_column(Text)
    written: Mapped[datetime] = mapped_column(DateTime)
    summary: Mapped[str] = mapped_column(Text)
    """What the catalogue says about it, as JSON."""


class StreamRow(GroupingRow):
    """A KM3ResourceStream as JSON."""

    __tablename__ = "streams"


class CollectionRow(GroupingRow):
    """A KM3ResourceCollection as JSON."""

    __tablename__ = "collections"
