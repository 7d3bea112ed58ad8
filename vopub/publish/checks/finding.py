"""What a check says, and what it is asked about."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from vopub.errors import DescriptionError
from vopub.model.description import CollectionDescription
from vopub.model.parameter import Parameter
from vopub.model.publication import Publication
from vopub.publish.metadata import publication_of
from vopub.resources import COLLECTION_NAME, ResourceFolder, read_collection
from vopub.settings import Settings


class Severity(StrEnum):
    """Whether something has to be mended, or only ought to be."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with what somebody wrote."""

    code: str
    """Stable: what is explained under it in ``docs/checks.md`` never changes its number."""
    severity: Severity
    file: Path
    place: str
    """Dotted key in the file, e.g. ``events.overrides.energy.unit``; empty for all of it."""
    what: str
    value: Any = None
    """What stands there; None if nothing does, or if it is in ``what`` already."""
    hint: str = ""
    """What to do."""

    def __str__(self) -> str:
        place = f"{self.place}: " if self.place else ""
        value = "" if self.value is None else f" (got {str(self.value)!r})"
        hint = f"; {self.hint}" if self.hint else ""
        text = f"{self.file}: {place}{self.severity} {self.code}: {self.what}{value}{hint}"
        return _in_one_line(text)

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        return {
            "code": self.code,
            "severity": self.severity.value,
            "file": str(self.file),
            "place": self.place,
            "what": self.what,
            "value": self.value,
            "hint": self.hint,
        }


def _in_one_line(text: str) -> str:
    """Return a text of which nothing moves the cursor or changes colours."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a rule is broken, and how; with the rule's code it is a finding."""

    place: str
    what: str
    value: Any = None
    hint: str = ""
    file: Path | None = None
    """If it is not the file that is looked at."""


@dataclass(frozen=True)
class Case:
    """A resource with what has to be known to judge it."""

    folder: ResourceFolder
    settings: Settings
    today: date
    """Latest date that it is anywhere on Earth."""
    others: Mapping[str, ResourceFolder] = field(default_factory=dict)
    """Every resource described here, by id."""
    published: str = ""
    """Version that this site has published; empty if none."""

    @cached_property
    def publication(self) -> Publication:
        """Publication metadata, completed by the settings."""
        return publication_of(self.folder.description, self.settings.publisher)

    @property
    def collection_path(self) -> Path:
        """The file that describes the collection it is in."""
        return self.folder.path.parent / self.folder.description.collection / COLLECTION_NAME

    @cached_property
    def collection(self) -> CollectionDescription | None:
        """The collection it is in; None if there is none, or its file is wrong (VP604)."""
        if not self.folder.description.collection or not self.collection_path.is_file():
            return None
        try:
            return read_collection(self.folder.path.parent, self.folder.description.collection)
        except DescriptionError:
            return None

    @cached_property
    def columns(self) -> tuple[Parameter, ...]:
        """The columns of the table, in order."""
        description = self.folder.description
        return description.events.parameters(simulated=description.simulated)

    @property
    def served(self) -> bool:
        """Whether the table goes to the Virtual Observatory."""
        return self.folder.description.vo.publish

    def place(self, column: str, key: str) -> str:
        """Return the dotted key under which something about a column is written."""
        events = self.folder.description.events
        if column in events.derived:
            return f"events.derived.{column}.{key}"
        if key in events.overrides.get(column, ()):
            return f"events.overrides.{column}.{key}"
        return f"events.columns.{events.columns.index(column)}"

    def text(self, column: Parameter) -> str:
        """Return the description of a column as a person wrote it."""
        derived = self.folder.description.events.derived.get(column.name)
        return derived.description if derived else column.description


@dataclass(frozen=True, slots=True)
class Rule:
    """What is asked of every resource, or of the settings."""

    code: str
    severity: Severity
    title: str
    release: bool = False
    """Whether it is asked only of what is released (``--strict``)."""

    def finding(self, file: Path, spot: Spot) -> Finding:
        """Return what is wrong at a spot as a finding of this rule."""
        place = (spot.file or file, spot.place)
        return Finding(self.code, self.severity, *place, spot.what, spot.value, spot.hint)


ResourceLook = Callable[[Case], Iterator[Spot]]
SettingsLook = Callable[[Settings], Iterator[Spot]]
