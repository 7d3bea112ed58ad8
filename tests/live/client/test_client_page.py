"""The examples of ``docs/client.md``, run as they stand against a site that was just published."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from vopub.settings import Settings
from vopub.site import Site

CHECKOUT = Path(__file__).resolve().parents[3]
PAGE = (CHECKOUT / "docs" / "client.md").read_text(encoding="utf-8")

pytestmark = pytest.mark.live


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def settings(site: Site) -> Settings:
    """Publish a sample in the site that live tests share."""
    done = subprocess.run(
        [sys.executable, "-m", "vopub", "publish", "evts21_01",
         "--site", str(site.directory), "--dachs-port", str(site.settings.site.dachs_port),
         "--odc-port", str(site.settings.site.odc_port)],
        cwd=CHECKOUT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return site.settings


@pytest.fixture
def environ(settings: Settings, tmp_path: Path) -> dict[str, str]:
    return {
        "PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PYTHONPATH": str(CHECKOUT),
        "VOPUB_ODC_URL": settings.site.odc_url, "PYTHONWARNINGS": "error::ResourceWarning",
    }  # fmt: skip


def test_the_examples_in_python_run_one_after_the_other(
    environ: dict[str, str], tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(blocks("python"))], cwd=tmp_path, capture_output=True,
        text=True, env=environ, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "resource evts21_01 " in done.stdout
    assert "Verdict.OK" in done.stdout
    assert (tmp_path / "my_events" / "evts21_01.csv").is_file()


def test_the_commands_run(environ: dict[str, str], tmp_path: Path) -> None:
    (block,) = blocks("sh")
    for line in block.splitlines():
        command = shlex.split(line, comments=True)
        assert command[0] == "vopub"
        done = subprocess.run(
            [sys.executable, "-m", *command], cwd=tmp_path, capture_output=True, text=True,
            env=environ, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{line}: {done.stderr}"


def test_the_whole_table_comes_from_the_service_too(
    environ: dict[str, str], tmp_path: Path
) -> None:
    code = """
from vopub import KM3Store
from vopub.client.objects import VOService
events = KM3Store().get("evts21_01")
served = VOService(b"{}", events.record.model_copy(update={"files": ()}), events._source)
ours, theirs = events.data, served.data
assert len(ours) == len(theirs) == events.record.rows
left, right = (f.sort_values("event_id").reset_index(drop=True) for f in (ours, theirs))
assert (left["event_id"] == right["event_id"]).all()
assert abs(left["ra"] - right["ra"]).max() < 1e-9
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, env=environ,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
