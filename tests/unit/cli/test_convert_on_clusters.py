"""``vopub convert`` with the workers of Dask schedulers, as people run them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.unit.dask_processes import dask_cluster

from .converting import EVENTS, OTHER, ROOT, SAMPLE, convert, environment


def converted(place: Path, out: str, *arguments: object) -> dict[str, bytes]:
    """Convert both samples; return the content of the tables by name."""
    (place / "r.toml").write_text(EVENTS)
    done = convert(place, SAMPLE, OTHER, "--recipe", "r.toml", "--out", out, *arguments)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return {path.name: path.read_bytes() for path in (place / out).glob("*.csv")}


def test_a_scheduler_with_workers_gives_the_same_table(tmp_path: Path) -> None:
    alone = converted(tmp_path, "alone", "--workers", 1)
    with dask_cluster(tmp_path, 2) as address:
        assert converted(tmp_path, "there", "--scheduler", address) == alone
    assert b"km3.49." in b"".join(alone.values())
    assert b"km3.44." in b"".join(alone.values())


def test_the_page_about_batch_systems_can_be_run(tmp_path: Path) -> None:
    """With dask-jobqueue's own batch system of this machine in place of SLURM."""
    page = (ROOT / "docs" / "scale.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    for before, after in {
        "import SLURMCluster": "import LocalCluster as SLURMCluster",
        "from dask_jobqueue": "from dask_jobqueue.local",
        "jobs=10": "jobs=1",
        "cores=8": "cores=2",
        "processes=8": "processes=2",
        "/shared/runs": str(tmp_path / "runs"),
        "/shared/table": str(tmp_path / "table"),
    }.items():
        assert before in code
        code = code.replace(before, after)
    (tmp_path / "runs").mkdir()
    for path in (SAMPLE, OTHER):
        (tmp_path / "runs" / path.name).symlink_to(path)
    (tmp_path / "r.toml").write_text(EVENTS)
    script = tmp_path / "on_the_batch_system.py"
    script.write_text(code)
    found = f"{Path(sys.executable).parent}:{os.defpath}"
    done = subprocess.run(
        [sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=False,
        timeout=300, env=environment(tmp_path, found),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    manifest = json.loads((tmp_path / "table" / "manifest.json").read_text())
    assert manifest["rows"] > 230
