from __future__ import annotations

import importlib.util
import sys
from datetime import date
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest

from vopub.publish.checks import check
from vopub.publish.responses import read_response
from vopub.resources import find_folders
from vopub.settings import load_settings

ROOT = Path(__file__).parents[2]
SIMULATED = ROOT / "simulated"


@pytest.fixture(scope="module")
def making() -> ModuleType:
    """The script that makes the inputs."""
    spec = importlib.util.spec_from_file_location("make_inputs", SIMULATED / "make_inputs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look for it there
    spec.loader.exec_module(module)
    return module


def test_inputs_are_what_the_script_makes(making: ModuleType) -> None:
    there = {
        path.relative_to(SIMULATED).as_posix(): path.read_text(encoding="utf-8")
        for pattern in ("*/*.txt", "*/*.ecsv")
        for path in SIMULATED.glob(pattern)
    }
    assert making.contents() == there


def test_telescopes_see_half_of_the_sky_at_any_time(making: ModuleType) -> None:
    steps = [(number + 0.5) / 500 * 2 - 1 for number in range(500)]  # in sin(declination)
    for telescope in (making.ANTARES_LIKE, making.ARCA_LIKE):
        seen = [telescope.visible(making.math.degrees(making.math.asin(s))) for s in steps]
        assert sum(seen) / len(seen) == pytest.approx(0.5, abs=1e-3)
        assert telescope.visible(-89) == 1
        assert telescope.visible(89) == 0


def test_estimated_energies_have_all_of_the_probability(making: ModuleType) -> None:
    middle = (1e4, 10**4.5)
    total = sum(making._dispersed(middle, cell) for cell in pairwise(making.COARSE_ENERGIES))
    assert total == pytest.approx(1, abs=1e-6)


def test_the_checks_find_nothing(tmp_path: Path) -> None:
    settings = load_settings(
        {"resources": SIMULATED, "site.directory": tmp_path}, environ={}, directory=ROOT
    )
    assert check(settings, today=date(2026, 11, 24)) == []


def test_every_resource_says_that_it_is_simulated() -> None:
    folders = find_folders(SIMULATED)
    assert [folder.id for folder in folders] == ["antsim26_01", "arcasim26_01", "arcasim26_02"]
    for folder in folders:
        publication = folder.description.publication
        assert folder.description.simulated
        assert publication.description.startswith("Simulated")
        assert publication.note.startswith("Simulated events")
        for response, path in zip(folder.description.responses, folder.responses(), strict=True):
            assert response.description.startswith("Simulated")
            assert "(simulated)" in read_response(path).columns[-1].description
