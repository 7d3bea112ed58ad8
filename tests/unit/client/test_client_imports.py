"""What the client brings along, seen from outside: a physicist's installation is small."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SERVER_ROOMS = ("odc", "publish", "vo", "site", "events", "formats")
HEAVY = (
    "fastapi", "starlette", "uvicorn", "sqlalchemy", "alembic", "uproot", "awkward", "dask",
    "distributed", "h5py", "pyarrow", "matplotlib", "mocpy", "jinja2", "prov",
)  # fmt: skip
ALL = (
    "import vopub.client.opening, vopub.client.verify, vopub.client.groupings, vopub.client.reading"
)


def modules_after(code: str) -> set[str]:
    """Return what is imported where the packages for publishing cannot be."""
    without = f"import sys; sys.modules.update(dict.fromkeys({HEAVY!r}))"
    listing = "import json; print(json.dumps(sorted(k for k, v in sys.modules.items() if v)))"
    done = subprocess.run(
        [sys.executable, "-c", f"{without}\n{code}\n{listing}"], cwd=ROOT, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    "code",
    [
        "from vopub import KM3Store; KM3Store(offline=True)", ALL,
        "import vopub.client.connection, vopub.client.download",
        "from vopub.cli import get, list, search, verify",
    ],
)  # fmt: skip
def test_the_client_needs_no_server_and_no_publisher(code: str) -> None:
    there = modules_after(code)
    assert not [room for room in SERVER_ROOMS if f"vopub.{room}" in there]


def test_importing_vopub_brings_nothing() -> None:
    there = {name.partition(".")[0] for name in modules_after("import vopub")}
    assert not there & {"pydantic", "numpy", "httpx", "rich", "typer", "pandas", "astropy"}


def test_a_store_is_made_without_what_takes_time() -> None:
    code = "from vopub import KM3Store; KM3Store(offline=True)"
    there = {name.partition(".")[0] for name in modules_after(code)}
    assert not there & {"numpy", "httpx", "pandas", "astropy", "pyvo", "rich"}


def test_only_km3store_is_found_in_vopub() -> None:
    import vopub  # noqa: PLC0415

    with pytest.raises(AttributeError, match="has no attribute 'KM3Stor'"):
        _ = vopub.KM3Stor
