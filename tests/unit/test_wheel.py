"""What is built is what works: the wheel, away from the checkout."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

from .wheels import install_wheel, run


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the interpreter of a clean environment with the wheel and all that is pinned."""
    return install_wheel(tmp_path_factory.mktemp("wheel"), Path(sysconfig.get_path("purelib")))


def test_the_wheel_renders_a_descriptor_outside_the_checkout(
    installed: Path, tmp_path: Path, reachable_directory: Path
) -> None:
    where = "import vopub; print(vopub.__file__)"
    assert str(installed.parents[1]) in run([str(installed), "-c", where], tmp_path)
    locate = (
        "from vopub.files import shipped; print(shipped('resources')); print(shipped('vopub.toml'))"
    )
    resources, config = run([str(installed), "-c", locate], tmp_path).split()
    run(
        [str(installed.with_name("vopub")), "publish", "evts21_01", "--until", "describe"],
        tmp_path,
        VOPUB_CONFIG=config,
        VOPUB_RESOURCES=resources,
        VOPUB_SITE=str(reachable_directory / "wheel"),
    )
    descriptor = (reachable_directory / "wheel" / "state" / "evts21_01.rd.xml").read_text()
    assert '<resource schema="evts21_01"' in descriptor
