"""The table of which field goes where, and the pages made of it."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict


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
    targets: dict[str, Target]
    fields: dict[str, dict[str, Goal]]
    """By dotted name of the field, then by target."""


@cache
def table() -> Table:
    """Return the table of this version of vopub."""
    text = files("vopub.odc.mappings").joinpath("fields.toml").read_text(encoding="utf-8")
    return Table.model_validate(tomllib.loads(text))


def fields_page() -> str:
    """Return the table as a page in Markdown."""
    known = table()
    heads = [f"[{target.title}]({target.address}) ({target.form})"
             for target in known.targets.values()]  # fmt: skip
    lines = [
        "# Which field goes where", "",
        "Made from `vopub/odc/mappings/fields.toml`, version " + known.version + ". ⇄ is read back "
        "as it was, → only goes there; an empty place says that the target has no field for it.",
        "", f"| field | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|",
    ]  # fmt: skip
    lines += [
        f"| `{field}` | " + " | ".join(_cell(goals.get(name)) for name in known.targets) + " |"
        for field, goals in known.fields.items()
    ]
    return "\n".join(lines) + "\n"


def _cell(goal: Goal | None) -> str:
    if goal is None:
        return ""
    note = f": {goal.note}" if goal.note else ""
    return f"{'⇄' if goal.back else '→'} `{goal.to}`{note}"
