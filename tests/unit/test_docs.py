"""The pages a user reads agree with the code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from typer.main import get_command

from vopub.cli import app
from vopub.model.catalogue import known_parameters
from vopub.model.description import EventsSection, ProductsSection, PublicationSection, VoSection
from vopub.model.ktype import Ktype
from vopub.model.observation import FieldOfView, HeaSection, Period, ResponseSection
from vopub.settings import ClientSettings, ExternalSettings, PublisherSettings, SiteSettings

ROOT = Path(__file__).parents[2]
OTHERS = {"--nthreads"}
"""Options of other programs that the pages name: of ``dask worker``."""


def parameter_table() -> str:
    rows = ["| name | type | unit | UCD | meaning |", "|---|---|---|---|---|"]
    rows += [
        f"| `{p.name}` | {p.dtype.value} | {p.unit} | `{p.ucd}` | {p.description} |"
        for p in known_parameters().values()
    ]
    return "\n".join(rows)


def test_the_table_of_known_parameters_is_the_catalogue() -> None:
    text = (ROOT / "docs" / "resources.md").read_text()
    _, _, table = text.partition("## Known parameters\n\n")
    assert table.strip() == parameter_table()


def test_every_kind_of_content_has_its_row_in_the_table_of_pictures() -> None:
    _, _, text = (ROOT / "docs" / "odc.md").read_text().partition("\n## Pictures\n")
    rows = re.findall(r"^\| (`.*?) \|", text.partition("\n## ")[0], re.MULTILINE)
    named = [name for row in rows[1:] for name in re.findall(r"`([a-z0-9-]+)`", row)]
    assert sorted(named) == sorted(Ktype)


@pytest.mark.parametrize(
    ("page", "model"),
    [
        ("settings.md", SiteSettings),
        ("settings.md", ClientSettings),
        ("settings.md", PublisherSettings),
        ("settings.md", ExternalSettings),
        ("resources.md", PublicationSection),
        ("resources.md", EventsSection),
        ("resources.md", ProductsSection),
        ("resources.md", VoSection),
        ("observations.md", HeaSection),
        ("observations.md", FieldOfView),
        ("observations.md", Period),
        ("observations.md", ResponseSection),
    ],
)
def test_every_key_is_explained(page: str, model: type[BaseModel]) -> None:
    text = (ROOT / "docs" / page).read_text()
    missing = [name for name in model.model_fields if f"`{name}`" not in text]
    assert not missing


def test_what_the_readme_names_exists() -> None:
    text = (ROOT / "README.md").read_text()
    for name in re.findall(r"`(docs/[a-z]+\.md|resources/[a-z0-9_]+/resource\.toml)`", text):
        assert (ROOT / name).is_file(), name
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for target in re.findall(r"make ([a-z]+)", text):
        assert target in targets


def pages() -> list[Path]:
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def begins(words: list[str], command: str) -> bool:
    parts = command.split()
    return words[: len(parts)] == parts


def options_of(command: Any, name: str = "") -> Iterator[tuple[str, set[str]]]:
    """Yield every command by its words with the options it takes."""
    with command.make_context("vopub", [], resilient_parsing=True) as context:
        yield name, {word for param in command.get_params(context) for word in param.opts}
        names = command.list_commands(context) if hasattr(command, "list_commands") else []
        for each in names:
            part = command.get_command(context, each)
            yield from options_of(part, f"{name} {each}".strip())


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_commands_on_a_page_have_the_options_it_gives_them(page: Path) -> None:
    known = dict(options_of(get_command(app)))
    text = page.read_text().replace("\\\n", " ")
    wrong = [
        line
        for line in re.findall(r"(?:^|[`/ ])vopub ([a-z]+ [^`\n]*--[^`\n]*)", text, re.MULTILINE)
        for words in [line.split("#")[0].split()]
        for name in [next(n for n in sorted(known, key=len, reverse=True) if begins(words, n))]
        if not {w.split("=")[0].rstrip(",.)") for w in words if w[:3].startswith("--")}
        <= known[name]
    ]
    assert not wrong


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_options_that_a_page_names_alone_are_those_of_a_command(page: Path) -> None:
    taken = set[str]().union(*dict(options_of(get_command(app))).values())
    named = set(re.findall(r"`(--[a-z][a-z-]*)[ `=]", page.read_text()))
    assert named - taken <= OTHERS
