"""``vopub publish`` from no site at all, and again with nothing changed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from bench.report import Figure

ROOT = Path(__file__).parents[1]
REPEATS = 3
VOPUB = [sys.executable, "-m", "vopub"]


def measure() -> list[Figure]:
    place = Path(tempfile.mkdtemp(prefix="vopub-bench-"))
    place.chmod(0o755)
    environ = _environment(place / "site")
    try:
        first = _seconds([*VOPUB, "publish"], environ)
        again = sorted(_seconds([*VOPUB, "publish"], environ) for _ in range(REPEATS))
    finally:
        subprocess.run([*VOPUB, "down"], cwd=ROOT, env=environ, check=True)
        shutil.rmtree(place)
    detail = f"median of {REPEATS}, {again[0]:.2f} to {again[-1]:.2f} s"
    return [
        Figure("publish from no site", first, "s", 60, detail="both samples"),
        Figure("publish with nothing changed", again[REPEATS // 2], "s", 5, detail=detail),
    ]


def _seconds(command: list[str], environ: dict[str, str]) -> float:
    began = perf_counter()
    subprocess.run(command, cwd=ROOT, env=environ, check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - began


def _environment(site: Path) -> dict[str, str]:
    ports = {}
    with socket.socket() as one, socket.socket() as other:
        for name, listener in (("VOPUB_DACHS_PORT", one), ("VOPUB_ODC_PORT", other)):
            listener.bind(("127.0.0.1", 0))
            ports[name] = str(listener.getsockname()[1])
    return {**os.environ, **ports, "VOPUB_SITE": str(site)}
