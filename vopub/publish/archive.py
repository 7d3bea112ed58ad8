"""What is remembered of publications, so that one can be gone back to, or go on beside a newer one.

Of each resource the publication that is served and the one before it are kept, and of every older
version that is served beside the newest its last one. The files are links to those of the
products, which are replaced and never written to: what is served now takes no space here.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from vopub.errors import FileError
from vopub.files import cannot, write_text
from vopub.model.description import ResourceDescription
from vopub.model.resource import KM3OpenResource
from vopub.publish.build import Build
from vopub.publish.state import PublicationState

CURRENT = "current"
KEPT = "kept"
NEXT = "next"

_STATE, _BUILD, _RECORD, _DESCRIPTION = "state.json", "build.json", "record.json", "resource.json"
_PRODUCTS = "products"
_OLDER = re.compile(r"(?P<newest>.+)_v\d+(_\d+){0,2}")


@dataclass(frozen=True, slots=True)
class Publication:
    """One publication: what was said, made and served."""

    state: PublicationState
    description: ResourceDescription
    build: Build
    record: KM3OpenResource
    products: Path
    """Directory of its files."""

    @property
    def in_vo(self) -> bool:
        """Whether it is served in the VO."""
        return bool(self.state.services)

    @property
    def csv(self) -> Path:
        """The file that the table is loaded from."""
        return self.products / f"{self.description.id}.csv"


@dataclass(frozen=True, slots=True)
class Archive:
    """The publications of one resource that are kept.

    Parameters
    ----------
    directory
        Holds one directory for each: ``current``, ``kept``, and ``next`` while it is being made.
    """

    directory: Path

    @property
    def current(self) -> Publication | None:
        """The publication that is served."""
        return self._read(CURRENT)

    @property
    def kept(self) -> Publication | None:
        """The publication before it."""
        return self._read(KEPT)

    def prepare(self, publication: Publication) -> None:
        """Write a publication that is about to become the current one.

        Raises
        ------
        FileError
            If the disk refuses.
        """
        place = self.directory / NEXT
        self._clear(NEXT)
        self.directory.mkdir(parents=True, exist_ok=True)
        link_tree(publication.products, place / _PRODUCTS)
        for name, content in (
            (_BUILD, publication.build),
            (_RECORD, publication.record),
            (_DESCRIPTION, publication.description),
            (_STATE, publication.state),
        ):
            write_text(place / name, content.model_dump_json())

    def advance(self, *, keep: bool) -> None:
        """Let the prepared publication be the current one.

        Parameters
        ----------
        keep
            Whether the one before is kept; otherwise none is.
        """
        if not (self.directory / NEXT / _STATE).exists():
            return
        self._clear(KEPT)
        if (self.directory / CURRENT).exists():
            if keep:
                self._rename(CURRENT, KEPT)
            else:
                self._clear(CURRENT)
        self._rename(NEXT, CURRENT)

    def forget_next(self) -> None:
        """Remove what was prepared for a publication that failed."""
        self._clear(NEXT)

    def remove(self) -> None:
        """Remove everything."""
        _remove(self.directory)

    def _read(self, name: str) -> Publication | None:
        place = self.directory / name
        try:
            return Publication(
                PublicationState.model_validate_json((place / _STATE).read_bytes()),
                ResourceDescription.model_validate_json((place / _DESCRIPTION).read_bytes()),
                Build.model_validate_json((place / _BUILD).read_bytes()),
                KM3OpenResource.model_validate_json((place / _RECORD).read_bytes()),
                place / _PRODUCTS,
            )
        except (FileNotFoundError, ValidationError):
            return None  # another version of vopub wrote it, or nobody

    def _rename(self, name: str, new: str) -> None:
        try:
            (self.directory / name).rename(self.directory / new)
        except OSError as error:
            raise cannot("rename", self.directory / name, error) from error

    def _clear(self, name: str) -> None:
        _remove(self.directory / name)


def version_id(identifier: str, version: str) -> str:
    """Return the name under which an older version is served beside the newest.

    Examples
    --------
    >>> version_id("evts21_01", "1.0")
    'evts21_01_v1_0'
    """
    return f"{identifier}_v{version.replace('.', '_')}"


def older_versions(identifier: str, published: Iterable[PublicationState]) -> list[str]:
    """Return the names of the versions of a resource that are served beside it, oldest first."""
    beside = [state for state in published if newest_of(state.id) == identifier]
    return [state.id for state in sorted(beside, key=lambda s: version_numbers(s.version))]


def newest_of(name: str) -> str:
    """Return which resource a name is an older version of; empty if it is none's."""
    match = _OLDER.fullmatch(name)
    return match["newest"] if match else ""


def version_numbers(version: str) -> list[int]:
    """Return a version as something that can be compared: 1.10 comes after 1.9."""
    return [int(number) for number in version.split(".")]


def link_tree(source: Path, target: Path) -> None:
    """Give every file below a directory a second name below another.

    Raises
    ------
    FileError
        If there is no such directory, or they are not on one file system.
    """
    try:
        shutil.copytree(source, target, copy_function=os.link)
    except shutil.Error as error:
        raise FileError(f"cannot be linked: {error}", where=source) from error
    except OSError as error:
        raise cannot("link", source, error) from error


def _remove(path: Path) -> None:
    try:
        if path.exists():
            shutil.rmtree(path)
    except OSError as error:
        raise cannot("remove", path, error) from error
