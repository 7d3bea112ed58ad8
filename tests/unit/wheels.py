"""Building the wheel, and environments that have it and nothing of the checkout."""

from __future__ import annotations

import subprocess
import sys
import venv
from collections.abc import Iterable, Iterator, Sequence
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]


def run(command: Sequence[str], place: Path, **environ: str) -> str:
    """Run a program with success; return what it printed."""
    done = subprocess.run(
        command, cwd=place, capture_output=True, text=True, check=False,
        env={"PATH": "/usr/bin:/bin", "HOME": str(place), **environ},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def install_wheel(place: Path, packages: Path) -> Path:
    """Return the interpreter of a clean environment with the wheel, without the checkout.

    What vopub needs is seen through a path file, as nothing may be fetched.

    Parameters
    ----------
    place
        Where everything is made.
    packages
        Directory with the packages that it needs.
    """
    hatchling = Path(sys.executable).with_name("hatchling")
    done = subprocess.run(
        [hatchling, "build", "-t", "wheel", "-d", place],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    venv.create(place / "environment", with_pip=True)
    python = place / "environment" / "bin" / "python"
    wheel = next(place.glob("*.whl"))
    run([str(python), "-m", "pip", "install", "--no-index", "--no-deps", "-q", str(wheel)], place)
    purelib = run([str(python), "-c", "import site; print(site.getsitepackages()[0])"], place)
    Path(purelib.strip(), "pinned.pth").write_text(f"{packages}\n")
    return python


def required_by(name: str) -> set[str]:
    """Return the distributions that one needs when it is installed without extras."""
    found, waiting = set[str](), [Requirement(name)]
    while waiting:
        for one in _needed(waiting.pop()):
            if one.name.lower() not in found:
                found.add(one.name.lower())
                waiting.append(one)
    return found


def link_packages(names: Iterable[str], target: Path) -> None:
    """Let a directory have what some installed distributions consist of, and nothing else."""
    target.mkdir()
    for name in names:
        for file in metadata.files(name) or ():
            top = file.parts[0]
            if top not in ("..", "__pycache__") and not (target / top).exists():
                (target / top).symlink_to(
                    Path(str(file.locate())).parents[len(file.parts) - 1] / top
                )


def _needed(requirement: Requirement) -> Iterator[Requirement]:
    for line in metadata.requires(requirement.name) or ():
        one = Requirement(line)
        wanted = [{"extra": extra} for extra in ("", *requirement.extras)]
        if one.marker is None or any(one.marker.evaluate(each) for each in wanted):
            yield one
