"""``vopub check`` as a person meets it, run as a process."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
NAME = "evts21_01"

Vopub = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A directory with what is shipped, made long ago: the day of the test does not matter."""
    shutil.copytree(ROOT / "resources", tmp_path / "resources")
    shutil.copy(ROOT / "vopub.toml", tmp_path)
    for file in (tmp_path / "resources").glob("*/resource.toml"):
        file.write_text(file.read_text().replace("created = 2026-11-22", "created = 2024-01-01"))
    return tmp_path


@pytest.fixture
def vopub(desk: Path) -> Vopub:
    def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "vopub", "check", *arguments], cwd=desk, check=False,
            capture_output=True, text=True,
            env={"PATH": "/usr/bin:/bin", "HOME": str(desk), "PYTHONPATH": str(ROOT),
                 "VOPUB_SITE": str(desk / "site"), **environ},
        )  # fmt: skip

    return run


def edit(desk: Path, old: str, new: str) -> None:
    file = desk / "resources" / NAME / "resource.toml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_what_is_shipped_is_clean(vopub: Vopub, desk: Path) -> None:
    before = sorted(desk.rglob("*"))
    done = vopub()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "0 errors, 0 warnings\n")
    assert sorted(desk.rglob("*")) == before


def test_the_authority_of_samples_is_not_released(vopub: Vopub) -> None:
    done = vopub("--strict")
    assert done.returncode == 1
    first = done.stdout.splitlines()[0]
    assert first.startswith("vopub.toml: publisher.authority: error VP701: ")
    assert "'samples.km3net.invalid'" in first


def test_an_error_is_told_with_its_place_and_fails(vopub: Vopub, desk: Path) -> None:
    edit(desk, "[vo]", '[events.overrides.mjd]\nunit = "MJD"\n[vo]')
    done = vopub(NAME)
    assert done.returncode == 1
    assert done.stderr == "1 error, 0 warnings\n"
    (line,) = done.stdout.splitlines()
    place = f"resources/{NAME}/resource.toml: events.overrides.mjd.unit: error VP301: "
    assert line.startswith(place)
    assert "'MJD' is not a VOUnit" in line


def test_a_warning_fails_only_with_strict(vopub: Vopub, desk: Path) -> None:
    edit(desk, 'instrument = "ORCA6"', "")
    released = {"VOPUB_AUTHORITY": "km3net.org", "VOPUB_PUBLIC_HOST": "vo.km3net.org"}
    text = (desk / "vopub.toml").read_text()
    (desk / "vopub.toml").write_text(
        text.replace("publisher@samples.km3net.invalid", "a@km3net.org")
    )
    plain, strict = vopub(**released), vopub("--strict", **released)
    assert (plain.returncode, strict.returncode) == (0, 1)
    assert plain.stdout == strict.stdout
    assert "warning VP512" in plain.stdout
    assert plain.stderr == "0 errors, 1 warning\n"


def test_findings_for_machines(vopub: Vopub, desk: Path) -> None:
    edit(desk, 'subjects = ["neutrino-astronomy", ', 'subjects = ["neutrino-astronmy", ')
    done = vopub("--json")
    said = json.loads(done.stdout)
    assert said["failed"] is False
    (finding,) = said["findings"]
    assert finding.pop("file").endswith(f"resources/{NAME}/resource.toml")
    assert "neutrino-astronomy" in finding.pop("hint")
    assert finding == {
        "code": "VP501",
        "severity": "warning",
        "place": "publication.subjects.0",
        "what": "is none of the terms of the Unified Astronomy Thesaurus shipped with vopub",
        "value": "neutrino-astronmy",
    }


def test_other_resources_are_not_told_of(vopub: Vopub, desk: Path) -> None:
    edit(desk, 'instrument = "ORCA6"', 'instrument = "TBD"')
    assert vopub("evts20_01").stdout == ""
    assert "VP404" in vopub(NAME).stdout


def test_an_unknown_resource_is_wrong_usage(vopub: Vopub) -> None:
    done = vopub("evts21_1")
    assert done.returncode == 2
    assert "did you mean evts21_01" in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_a_description_says_reaches_the_terminal_raw(vopub: Vopub, desk: Path) -> None:
    edit(desk, 'instrument = "ORCA6"', 'instrument = "\\u001b[31m TBD\\nVP000"')
    done = vopub()
    assert "\x1b" not in done.stdout
    assert len(done.stdout.splitlines()) == 1
    edit(desk, "[vo]", '[vo]\n"\\u001b[31m\\nred" = 1')
    done = vopub()
    assert "\x1b" not in done.stdout
    assert len(done.stdout.splitlines()) == 1
    assert "unknown key" in done.stdout
