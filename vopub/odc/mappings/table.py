"""The table of which field goes where, and the pages made of it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict

_OF_GROUPINGS = (
    "A stream is a `Dataset` and a `Collection` in schema.org, a `dcat:DatasetSeries` in DCAT; "
    "a collection is a `DataCatalog` and a `Collection`, a `dcat:Catalog`. In DataCite both are of "
    "the general type `Collection`."
)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Target(_Part):
    """A vocabulary that records are said in."""

    title: str
    form: str
    address: str


class Goal(_Part):
    """Where one field goes in one target."""

    to: str
    """A path: elements of XML or keys of JSON-LD, parted by ``/``."""
    back: bool = False
    """Whether it is read back as it was."""
    note: str = ""
    """What is lost on the way."""


class Table(_Part):
    """The whole table."""

    version: str
    origin: str
    """What of the records is KM3NeT's, and what is vopub's own."""
    km3net: dict[str, str]
    """By dotted name of a field: what of it is KM3NeT's."""
    targets: dict[str, Target]
    fields: dict[str, dict[str, Goal]]
    """By dotted name of the field, then by target."""
    groupings: dict[str, dict[str, Goal]]
    """As ``fields``, of streams and of collections."""

    def km3net_of(self, kind: str) -> dict[str, str]:
        """Return ``km3net`` of one kind of record, by the names that fields have there."""
        if kind == "resource":
            return {name: said for name, said in self.km3net.items() if name in self.fields}
        start = f"{kind}."
        return {name.removeprefix(start): said for name, said in self.km3net.items()
                if name.startswith(start)}  # fmt: skip

    @property
    def for_groupings(self) -> tuple[str, ...]:
        """The targets that streams and collections are said in."""
        said = {name for goals in self.groupings.values() for name in goals}
        return tuple(name for name in self.targets if name in said)


@cache
def table() -> Table:
    """Return the table of this version of vopub."""
    text = files("vopub.odc.mappings").joinpath("fields.toml").read_text(encoding="utf-8")
    return Table.model_validate(tomllib.loads(text))


def fields_page() -> str:
    """Return the table as a page in Markdown."""
    known = table()
    heads = {name: f"[{target.title}]({target.address}) ({target.form})"
             for name, target in known.targets.items()}  # fmt: skip
    within = {name: heads[name] for name in heads if name in known.for_groupings}
    lines = [
        "# Which field goes where", "",
        "Made from `vopub/odc/mappings/fields.toml`, version " + known.version + ". ⇄ is read back "
        "as it was, → only goes there; in an empty place nothing is written.",
        "", *_rows(heads, known.fields), "",
        "## Streams and collections", "",
        _OF_GROUPINGS, "", *_rows(within, known.groupings), "",
        "## What is KM3NeT's and what is vopub's own", "",
        known.origin, "", *(f"- `{field}`: {said}" for field, said in known.km3net.items()),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _rows(heads: Mapping[str, str], fields: Mapping[str, Mapping[str, Goal]]) -> list[str]:
    return [
        f"| field | {' | '.join(heads.values())} |", "|---" * (len(heads) + 1) + "|",
        *(
            f"| `{field}` | " + " | ".join(_cell(goals.get(name)) for name in heads) + " |"
            for field, goals in fields.items()
        ),
    ]  # fmt: skip


def _cell(goal: Goal | None) -> str:
    if goal is None:
        return ""
    note = f": {goal.note}" if goal.note else ""
    return f"{'⇄' if goal.back else '→'} `{goal.to}`{note}"
