"""``ktype``: the content descriptor that says how the data of a resource are to be read.

The attribute is KM3NeT's; the literal strings below are vopub's own, versioned with their
vocabulary. What each asks of a record stands in ``ktypes.toml``.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from vopub.model.publication import check_url

Detail = bool | int | float | str
"""A value of the further metadata that a ktype asks for; times and addresses are text."""
TIME_PATTERN = (
    r"^(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
"""How a time is written. Source: RFC 3339, without leap seconds, which few programs read."""


class Ktype(StrEnum):
    """What the data of a resource are."""

    EVENTS = "events"
    RUN_LIST = "run-list"
    LOOKUP_TABLE = "lookup-table"
    FUNCTION = "function"
    BINNED_DATA = "binned-data"
    RESPONSE_FUNCTION = "response-function"
    VO_SERVICE = "vo-service"
    VOEVENT = "voevent"
    ACOUSTIC_RAW = "acoustic-raw"
    ACOUSTIC_MP3 = "acoustic-mp3"
    ACOUSTIC_WAV = "acoustic-wav"
    ACOUSTIC_PSD = "acoustic-psd"
    PUBLICATION = "publication"
    PLOT = "plot"
    SOFTWARE = "software"

    @property
    def entry(self) -> KtypeEntry:
        """What the vocabulary says about it."""
        return vocabulary().ktypes[self]

    @property
    def description(self) -> str:
        """One sentence about the kind of content."""
        return self.entry.description


class DetailKind(StrEnum):
    """What the value of a detail is."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    TIME = "time"
    ADDRESS = "address"


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class DetailEntry(_Entry):
    """One piece of further metadata."""

    kind: DetailKind
    description: str
    unit: str = ""
    """Unit as VOUnits 1.1 writes it; empty for none."""
    required: bool = False
    """Whether a record has to have it."""
    choices: tuple[str, ...] = ()
    """The values it may have; empty if any."""

    def problem(self, value: Detail) -> str:
        """Say what is wrong with a value; empty if nothing is."""
        if self.choices and value not in self.choices:
            return f"is {value!r}, has to be one of {', '.join(self.choices)}"
        return "" if _IS[self.kind](value) else f"is {value!r}, has to be {_NAMES[self.kind]}"


class KtypeEntry(_Entry):
    """What the vocabulary says about one kind of content."""

    title: str
    description: str
    reader: str
    """Class of the Python client that reads it."""
    datacite: str
    """``resourceTypeGeneral`` of DataCite 4."""
    schema_org: str
    """Type of schema.org."""
    dcmi: str
    """Term of the DCMI Type Vocabulary."""
    parameters: tuple[str, ...] = ()
    """Names of parameters that a record has to describe; ``*`` is any, at least one."""
    reachable: bool = False
    """Whether there has to be a file, a service, a DOI or an address."""
    media: str = ""
    """What the media type of a file of data has to begin with."""
    details: dict[str, DetailEntry] = {}
    """Further metadata."""

    def missing_parameters(self, names: set[str]) -> list[str]:
        """Return what a record has to describe and does not."""
        wanted = set(self.parameters) - ({"*"} if names else set())
        return sorted(wanted - names)

    def detail_problems(self, details: Mapping[str, Detail]) -> list[str]:
        """Say what is wrong with the further metadata of a record."""
        missing = [
            f"{name} is missing: {entry.description}"
            for name, entry in self.details.items()
            if entry.required and name not in details
        ]
        unknown = [f"{name} is unknown" for name in details if name not in self.details]
        wrong = {
            name: self.details[name].problem(value)
            for name, value in details.items()
            if name in self.details
        }
        return [*missing, *unknown, *(f"{name} {what}" for name, what in wrong.items() if what)]

    def times_otherwise(self, details: Mapping[str, Detail]) -> list[str]:
        """Name those times of a record that can be read and are written as none is from now on."""
        return [
            name
            for name, entry in self.details.items()
            if entry.kind is DetailKind.TIME
            and not re.fullmatch(TIME_PATTERN, str(details.get(name, _EXAMPLE)))
        ]


class Vocabulary(_Entry):
    """All kinds of content, in one version."""

    version: str = Field(pattern=r"^\d+\.\d+$")
    ktypes: dict[Ktype, KtypeEntry]


@cache
def vocabulary() -> Vocabulary:
    """Return the vocabulary of this version of vopub."""
    text = files("vopub.model").joinpath("ktypes.toml").read_text(encoding="utf-8")
    content = tomllib.loads(text)
    version = content.pop("version")
    return Vocabulary.model_validate({"version": version, "ktypes": content})


_EXAMPLE = "2020-09-29T07:57:13+00:00"


def _is_number(value: Detail) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_time(value: Detail) -> bool:
    """Tell whether a time can be read; records of earlier times have other forms than today's."""
    try:
        return datetime.fromisoformat(str(value)).tzinfo is not None
    except ValueError:
        return False


def _is_address(value: Detail) -> bool:
    try:
        return bool(check_url(str(value)))
    except ValueError:
        return False


_IS: Mapping[DetailKind, Any] = {
    DetailKind.TEXT: lambda value: isinstance(value, str) and bool(value.strip()),
    DetailKind.INTEGER: lambda value: isinstance(value, int) and not isinstance(value, bool),
    DetailKind.NUMBER: _is_number,
    DetailKind.TIME: _is_time,
    DetailKind.ADDRESS: _is_address,
}
_NAMES: Mapping[DetailKind, str] = {
    DetailKind.TEXT: "a text",
    DetailKind.INTEGER: "an integer",
    DetailKind.NUMBER: "a number",
    DetailKind.TIME: f"a time with its zone, e.g. {_EXAMPLE}",
    DetailKind.ADDRESS: "an http(s) address",
}
