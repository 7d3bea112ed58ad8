"""The pages a user reads agree with the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from vopub.model.catalogue import known_parameters
from vopub.model.description import EventsSection, ProductsSection, PublicationSection, VoSection
from vopub.model.observation import FieldOfView, HeaSection, Period, ResponseSection
from vopub.settings import ClientSettings, ExternalSettings, PublisherSettings, SiteSettings

ROOT = Path(__file__).parents[2]


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
