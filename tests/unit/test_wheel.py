"""What is built is what works: the wheel, away from the checkout."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the interpreter of a clean environment with the wheel, without the checkout.

    The pinned packages that vopub needs are seen through a path file, as nothing may be fetched.
    """
    place = tmp_path_factory.mktemp("wheel")
    hatchling = Path(sys.executable).with_name("hatchling")
    done = subprocess.run(
        [hatchling, "build", "-t", "wheel", "-d", place],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    venv.create(place / "environment", with_pip=True)
    python = place / "environment" / "bin" / "python"
    wheel = next(place.glob("*.whl"))
    _run([str(python), "-m", "pip", "install", "--no-index", "--no-deps", "-q", str(wheel)], place)
    purelib = _run([str(python), "-c", "import site; print(site.getsitepackages()[0])"], place)
    Path(purelib.strip(), "pinned.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def _run(command: Sequence[str], place: Path, **environ: str) -> str:
    done = subprocess.run(
        command, cwd=place, capture_output=True, text=True, check=False,
        env={"PATH": "/usr/bin:/bin", "HOME": str(place), **environ},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_renders_a_descriptor_outside_the_checkout(
    installed: Path, tmp_path: Path, reachable_directory: Path
) -> None:
    where = "import vopub; print(vopub.__file__)"
    assert str(installed.parents[1]) in _run([str(installed), "-c", where], tmp_path)
    locate = (
        "from vopub.files import shipped; print(shipped('resources')); print(shipped('vopub.toml'))"
    )
    resources, config = _run([str(installed), "-c", locate], tmp_path).split()
    _run(
        [str(installed.with_name("vopub")), "publish", "evts21_01", "--until", "describe"],
        tmp_path,
        VOPUB_CONFIG=config,
        VOPUB_RESOURCES=resources,
        VOPUB_SITE=str(reachable_directory / "wheel"),
    )
    descriptor = (reachable_directory / "wheel" / "state" / "evts21_01.rd.xml").read_text()
    assert '<resource schema="evts21_01"' in descriptor
