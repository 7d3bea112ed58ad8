"""Every code is documented, and every documented example is found under exactly its code."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from vopub.publish.checks import RULES, Finding, check
from vopub.settings import Settings, load_settings

ROOT = Path(__file__).parents[3]
TODAY = date(2026, 11, 24)
PAGE = (ROOT / "docs" / "checks.md").read_text()
HEADING = re.compile(
    r"^### (VP\d{3}) (error|warning)(?:, with `--(strict|links)`)?: (.+)$", re.MULTILINE
)
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RESOURCE = "resources/evts26_01/resource.toml"

pytestmark = pytest.mark.filterwarnings("ignore::astropy.units.UnitsWarning")


@dataclass(frozen=True)
class Section:
    code: str
    severity: str
    mode: str
    title: str
    files: Mapping[str, str]


def blocks(text: str) -> dict[str, str]:
    return {name or RESOURCE: body for _, name, body in BLOCK.findall(text)}


def sections() -> list[Section]:
    _, *parts = re.split(r"^(?=### VP)", PAGE, flags=re.MULTILINE)
    assert len(parts) == PAGE.count("\n### ")
    found = []
    for part in parts:
        heading = HEADING.match(part)
        assert heading, part[:80]
        code, severity, mode, title = heading.groups()
        found.append(Section(code, severity, mode or "", title, blocks(part)))
    return found


SOUND = blocks(PAGE.partition("\n### ")[0])
SECTIONS = sections()


def merged(base: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


def toml(content: Mapping[str, Any]) -> str:
    """Write top-level keys and inline tables; enough for what stands on the page."""
    return "".join(f"{key} = {inline(value)}\n" for key, value in content.items())


def inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {inline(v)}" for key, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    return value.isoformat() if isinstance(value, date) else json.dumps(value)


def lay_out(root: Path, changes: Mapping[str, str]) -> None:
    for name, text in {**SOUND, **changes}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(instead(name, text) if name in changes else text)
    for folder in (root / "resources").glob("evts*"):
        (folder / "events.root").write_bytes(b"root")


def instead(name: str, text: str) -> str:
    """Return the sound file with the changes of an example; what is no TOML stands as it is."""
    try:
        changes = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return text
    base = SOUND.get(name) or SOUND[RESOURCE]
    return toml(merged(tomllib.loads(base), changes))


def findings(root: Path, *, strict: bool = True, links: bool = False) -> list[Finding]:
    settings = settings_in(root, site=root / "site")
    return check(settings, ("evts26_01",), today=TODAY, strict=strict, links=links)


def settings_in(directory: Path, *, site: Path) -> Settings:
    return load_settings({"site.directory": site}, environ={}, directory=directory)


def test_the_sound_example_has_no_finding(tmp_path: Path) -> None:
    lay_out(tmp_path, {})
    assert findings(tmp_path) == []


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.code)
def test_an_example_is_found_under_exactly_its_code(section: Section, tmp_path: Path) -> None:
    assert section.files
    lay_out(tmp_path, section.files)
    found = findings(tmp_path, links=section.mode == "links")
    assert {f.code for f in found} == {section.code}, [str(f) for f in found]
    for finding in found:
        assert finding.severity == section.severity
        assert finding.file.name in {Path(name).name for name in section.files} | {
            "resource.toml", "cuts.toml",
        }  # fmt: skip
        assert finding.place or section.code in ("VP001", "VP603")
        assert finding.what
        assert "\n" not in str(finding)


@pytest.mark.parametrize(
    "section", [s for s in SECTIONS if s.mode == "strict"], ids=lambda section: section.code
)
def test_what_is_asked_of_releases_is_not_asked_otherwise(section: Section, tmp_path: Path) -> None:
    lay_out(tmp_path, section.files)
    assert findings(tmp_path, strict=False) == []


@pytest.mark.parametrize(
    "section", [s for s in SECTIONS if s.mode == "links"], ids=lambda section: section.code
)
def test_links_are_not_asked_unless_wanted(section: Section, tmp_path: Path) -> None:
    lay_out(tmp_path, section.files)
    assert findings(tmp_path) == []


def test_every_code_of_the_program_is_documented_as_it_is() -> None:
    documented = {s.code: (s.severity, s.title, s.mode == "strict") for s in SECTIONS}
    assert len(documented) == len(SECTIONS)
    assert documented == {r.code: (r.severity.value, r.title, r.release) for r in RULES.values()}
    assert list(documented) == sorted(documented)


def test_the_shipped_resources_are_clean(tmp_path: Path) -> None:
    assert check(settings_in(ROOT, site=tmp_path), today=TODAY) == []


def test_the_shipped_settings_are_not_released(tmp_path: Path) -> None:
    found = check(settings_in(ROOT, site=tmp_path), today=TODAY, strict=True)
    assert [f.code for f in found] == ["VP701", "VP702", "VP703"]
    assert found[0].value == "samples.km3net.invalid"


def test_findings_are_plain_data(tmp_path: Path) -> None:
    lay_out(tmp_path, {RESOURCE: "simulated = true\n"})
    (finding,) = findings(tmp_path)
    assert not isinstance(finding, BaseModel)
    said = json.loads(json.dumps(finding.as_json()))
    assert said["code"] == "VP409"
    assert said["place"] == "publication.note"
