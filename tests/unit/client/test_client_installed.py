"""What ``pip install vopub`` gives a physicist: the client, and no server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vopub.odc.client import OdcClient

from ..odc.conftest import Server, make_record, products, upload  # noqa: TID252 - the same servers
from ..wheels import (  # noqa: TID252 - the same wheel
    install_wheel,
    link_packages,
    required_by,
    run,
)

SERVERS = ("fastapi", "uvicorn", "sqlalchemy", "alembic", "gavo", "uproot", "h5py", "matplotlib",
           "pyarrow", "distributed", "psycopg", "mocpy")  # fmt: skip


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the interpreter of an environment with the wheel and what it needs without extras."""
    place = tmp_path_factory.mktemp("small")
    link_packages(required_by("vopub"), place / "packages")
    return install_wheel(place, place / "packages")


def test_no_server_and_nothing_to_publish_with_comes_along(small: Path, tmp_path: Path) -> None:
    code = f"from importlib.util import find_spec; print([n for n in {SERVERS!r} if find_spec(n)])"
    assert run([str(small), "-c", code], tmp_path).strip() == "[]"


def test_it_lists_gets_and_verifies(
    small: Path, odc: Server, writer: OdcClient, tmp_path: Path
) -> None:
    record = make_record(version="7", files=products(), services=())
    as_in_the_sample = {"parameters": record.parameters[:3], "rows": 2}
    record = record.model_copy(update=as_in_the_sample)
    place = tmp_path / "work"
    place.mkdir()
    upload(writer, record.kid, products(), place)
    writer.put_resource(record)
    vopub, environ = str(small.with_name("vopub")), {"VOPUB_ODC_URL": odc.url}
    assert "evts21_01" in run([vopub, "list"], tmp_path, **environ)
    assert "evts21_01" in run([vopub, "search", "orca"], tmp_path, **environ)
    run([vopub, "get", "evts21_01@7", "--to", "data"], tmp_path, **environ)
    told = json.loads(run([vopub, "verify", "data", "--json"], tmp_path, **environ))
    assert told["files"] == {file.name: "ok" for file in record.files}
    code = (
        "from vopub import KM3Store\n"
        "resource = KM3Store().get('evts21_01')\n"
        "resource.show_paraminfo()\n"
        "print(resource.get_dataframe().shape)"
    )
    shape = run([str(small), "-c", code], tmp_path, **environ).splitlines()[-1]
    assert shape == "(2, 3)"
