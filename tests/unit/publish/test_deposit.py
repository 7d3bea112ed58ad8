from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from tests.unit.odc.conftest import make_record, products
from tests.unit.odc.repositories import TOKEN, DataverseLike, InvenioLike, Repository
from vopub.errors import FileError, UnreachableError, UsageError
from vopub.odc.targets.dataverse import Dataverse
from vopub.odc.targets.invenio import InvenioRdm
from vopub.publish.archive import Archive
from vopub.publish.deposit import Place, deposit, target_of
from vopub.publish.state import write_state
from vopub.settings import Settings, load_settings
from vopub.site import Site

from .test_archive import publication, state

CHECKOUT = Path(__file__).resolve().parents[3]


def settings(tmp_path: Path, **given: object) -> Settings:
    options = {"site.directory": tmp_path / "site"}
    return load_settings(
        {**options, **{f"archives.{key}": value for key, value in given.items()}},
        environ={}, directory=CHECKOUT,
    )  # fmt: skip


def token(tmp_path: Path, mode: int = 0o600) -> Path:
    path = tmp_path / "token"
    path.write_text("a-token\n")
    path.chmod(mode)
    return path


def test_what_is_not_set_or_not_published_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="dataverse_url and dataverse_token"):
        target_of(settings(tmp_path), Place.DATAVERSE)
    with pytest.raises(UsageError, match="is not published"):
        deposit(settings(tmp_path), "evts21_01", Place.INVENIO)


def test_a_sample_is_never_made_public(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a sample"):
        deposit(settings(tmp_path), "evts21_01", Place.INVENIO, publish=True)


@pytest.mark.parametrize(("place", "kind"), [("dataverse", Dataverse), ("invenio", InvenioRdm)])
def test_a_place_that_is_set_is_connected_to(
    tmp_path: Path, place: str, kind: type[Dataverse | InvenioRdm]
) -> None:
    given = {f"{place}_url": "http://127.0.0.1:9", f"{place}_token": token(tmp_path)}
    target = target_of(settings(tmp_path, **given), Place(place))
    assert isinstance(target, kind)
    target.close()


def test_a_token_that_others_can_read_is_refused(tmp_path: Path) -> None:
    given = {"invenio_url": "http://127.0.0.1:9", "invenio_token": token(tmp_path, 0o644)}
    with pytest.raises(FileError, match="others can read the token; chmod 600"):
        target_of(settings(tmp_path, **given), Place.INVENIO)
    missing = {**given, "invenio_token": tmp_path / "nowhere"}
    with pytest.raises(FileError, match="cannot read"):
        target_of(settings(tmp_path, **missing), Place.INVENIO)


@contextmanager
def serving(server: Repository) -> Iterator[str]:
    """Give the address of a repository that is reached as any other."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        running = uvicorn.Server(uvicorn.Config(server.app, log_level="error", lifespan="off"))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [door]})
        thread.start()
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
        running.should_exit = True
        thread.join()


def publish(site: Site, work: Path, version: str) -> None:
    """Leave in the archive what a publication leaves."""
    made = publication(work, rows=226)
    for file in products():
        (made.products / file.reference.name).write_bytes(file.content)
    archive = Archive(site.archive / "evts21_01")
    archive.prepare(replace(made, record=make_record(version=version)))
    archive.advance(keep=False)
    write_state(site.state, state("evts21_01", version))


def held(server: Repository) -> list[dict[str, bytes]]:
    """Return the files of every deposit."""
    if isinstance(server, DataverseLike):
        return [{f["name"]: f["content"] for f in one["files"].values()}
                for one in server.datasets.values()]  # fmt: skip
    assert isinstance(server, InvenioLike)
    return [{name: entry["content"] for name, entry in one["entries"].items()}
            for one in server.records.values()]  # fmt: skip


@pytest.mark.parametrize("place", Place)
def test_a_publication_is_deposited_once_and_found_again(tmp_path: Path, place: Place) -> None:
    server = DataverseLike() if place is Place.DATAVERSE else InvenioLike()
    secret = token(tmp_path)
    secret.write_text(TOKEN)
    with serving(server) as url:
        given: dict[str, Any] = {f"{place}_url": url, f"{place}_token": secret}
        chosen = settings(tmp_path, **given)
        site = Site(chosen)
        publish(site, tmp_path, "1.0")
        made = deposit(chosen, "evts21_01", place)
        memory = site.state / "deposits" / f"{place}-evts21_01.json"
        assert made.key in memory.read_text()
        assert deposit(chosen, "evts21_01", place) == made
        memory.write_text("damaged")
        assert deposit(chosen, "evts21_01", place).key == made.key
    expected = {file.reference.name: file.content for file in products()}
    assert held(server) == [expected]
    with pytest.raises(UnreachableError):
        deposit(chosen, "evts21_01", place)
    assert made.key in memory.read_text()
