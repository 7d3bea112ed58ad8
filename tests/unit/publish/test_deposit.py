from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from tests.unit.odc.conftest import TOKEN as ODC_TOKEN
from tests.unit.odc.conftest import Server, make_record, products, start
from tests.unit.odc.repositories import TOKEN, DataverseLike, InvenioLike, Repository
from vopub.cli import main
from vopub.errors import FileError, ServiceError, UsageError
from vopub.events.scale.tally import Tally
from vopub.odc.answers import Outcome
from vopub.odc.client import OdcClient
from vopub.odc.targets.base import Deposit
from vopub.odc.targets.dataverse import Dataverse
from vopub.odc.targets.invenio import InvenioRdm
from vopub.publish.archive import Archive
from vopub.publish.composer import Publisher
from vopub.publish.deposit import Place, deposit, target_of
from vopub.publish.registrations import (
    OpenDataCenter,
    Registration,
    deposit_or_queue,
    pending_of,
)
from vopub.publish.stages import Stage
from vopub.publish.state import begin_change, read_state, write_state
from vopub.settings import Settings
from vopub.site import Site

from .conftest import CHECKOUT, settings
from .test_archive import publication, state


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
def serving(server: Repository, port: int = 0) -> Iterator[str]:
    """Give the address of a repository that is reached as any other."""
    with socket.create_server(("127.0.0.1", port)) as door:
        running = uvicorn.Server(uvicorn.Config(server.app, log_level="error", lifespan="off"))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [door]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{door.getsockname()[1]}"
        finally:
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
    with serving(server) as url:
        chosen = settings(tmp_path, **reached(tmp_path, place, url))
        site = Site(chosen)
        publish(site, tmp_path, "1.0")
        made = deposit(chosen, "evts21_01", place)
        assert isinstance(made, Deposit)
        assert made.outcome is Outcome.CREATED
        memory = site.state / "deposits" / f"{place}-evts21_01.json"
        assert made.key in memory.read_text()
        again = deposit(chosen, "evts21_01", place)
        assert isinstance(again, Deposit)
        same = Outcome.UNCHANGED if place is Place.DATAVERSE else Outcome.REPLACED
        assert again == replace(made, outcome=same)
        memory.write_text("damaged")
        assert deposit(chosen, "evts21_01", place) == again
    assert held(server) == [CONTENT]
    assert isinstance(deposit(chosen, "evts21_01", place), Registration)
    assert made.key in memory.read_text()


CONTENT = {file.reference.name: file.content for file in products()}
PUBLIC: dict[str, object] = {"publisher.authority": "data.example.org"}


def reached(tmp_path: Path, place: Place, url: str) -> dict[str, Any]:
    """Return the settings of a place."""
    secret = token(tmp_path)
    secret.write_text(TOKEN)
    return {f"{place}_url": url, f"{place}_token": secret}


class Said:
    """Keeps what a run says beside its stages."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def start(self, resource: str, stage: Stage) -> None: ...

    def done(self, resource: str, stage: Stage, what: str) -> None: ...

    def tell(self, resource: str, tally: Tally) -> None: ...


@dataclass
class Desk:
    """A site whose Open Data Center runs, and a place that can be away."""

    settings: Settings
    place: Place
    server: Repository
    url: str

    @property
    def site(self) -> Site:
        return Site(self.settings)

    def next_run(self) -> list[str]:
        """Do what a run of ``vopub publish`` does after its resources; return what it said."""
        said = Said()
        assert self.failures(said) == []
        return said.notes

    def failures(self, said: Said) -> list[str]:
        """Do the same; return what it ends with besides what was asked for."""
        failed = Publisher(self.settings, said)._collected([], [])
        return [f"{outcome.id}: {outcome.change}: {outcome.error}" for outcome in failed]

    def is_there(self) -> AbstractContextManager[str]:
        return serving(self.server, int(self.url.rpartition(":")[2]))

    def waiting(self) -> list[tuple[str, str]]:
        return [(each.target, str(each.record.kid)) for each in pending_of(self.site)]


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = start(tmp_path_factory.mktemp("server") / "odc")
    yield running
    running.stop()


@pytest.fixture(params=Place)
def desk(request: pytest.FixtureRequest, tmp_path: Path, centre: Server) -> Desk:
    place: Place = request.param
    server = DataverseLike() if place is Place.DATAVERSE else InvenioLike()
    with serving(server) as url:
        pass  # nobody answers there any more
    port = int(centre.url.rpartition(":")[2])
    given = reached(tmp_path, place, url)
    chosen = settings(tmp_path, {**PUBLIC, "site.odc_port": port}, **given)
    (secret := Site(chosen).odc.token_file).parent.mkdir(parents=True)
    secret.write_text(ODC_TOKEN)
    made = Desk(chosen, place, server, url)
    publish(made.site, tmp_path, "1.0")
    return made


@pytest.mark.parametrize("public", [False, True])
def test_an_outage_leaves_a_deposit_that_the_next_run_delivers(desk: Desk, public: bool) -> None:
    waiting = deposit(desk.settings, "evts21_01", desk.place, publish=public)
    assert isinstance(waiting, Registration)
    assert "does not answer" in waiting.reason
    kid = str(make_record().kid)
    assert desk.waiting() == [(desk.place.value, kid)]
    (note,) = desk.next_run()
    assert f"what waits for {desk.place} stays queued" in note
    assert desk.waiting() == [(desk.place.value, kid)]
    with desk.is_there():
        (note,) = desk.next_run()
        assert note == (
            f"evts21_01: the queued deposit of version 1.0 in {desk.place} was delivered, "
            "record created"
        )
        assert desk.waiting() == []
        assert desk.next_run() == []
    assert held(desk.server) == [CONTENT]
    memory = desk.site.state / "deposits" / f"{desk.place}-evts21_01.json"
    assert json.loads(memory.read_text())["published"] is public


def test_one_run_delivers_to_every_place_that_answers(desk: Desk, tmp_path: Path) -> None:
    record = make_record(version="1.0", services=())
    with OdcClient("http://127.0.0.1:9", ODC_TOKEN) as away:
        products_there = Archive(desk.site.archive / "evts21_01").directory / "current" / "products"
        assert isinstance(
            deposit_or_queue(OpenDataCenter(away), pending_of(desk.site), record, products_there),
            Registration,
        )
    known = state("evts21_01", "1.0")
    write_state(
        desk.site.state, known.model_copy(update={"kid": record.kid, "services": record.services})
    )
    deposit(desk.settings, "evts21_01", desk.place)
    kid = str(record.kid)
    assert desk.waiting() == [("odc", kid), (desk.place.value, kid)]
    notes = desk.next_run()
    assert "the queued registration was delivered" in notes[0]
    assert f"what waits for {desk.place} stays queued" in notes[1]
    assert desk.waiting() == [(desk.place.value, kid)]
    with OdcClient(desk.site.odc.url) as client:
        written = client.get_resource(record.kid)
        assert written is not None
        collection = client.get_collection(record.collection)
    assert collection is not None
    assert record.kid in collection.resources
    with desk.is_there():
        assert "was delivered" in desk.next_run()[0]
    assert desk.waiting() == []


def test_an_interrupted_deposit_waits_and_is_finished(desk: Desk) -> None:
    desk.server.requests, desk.server.fails_at = 0, 5
    with desk.is_there():
        assert isinstance(deposit(desk.settings, "evts21_01", desk.place), Registration)
        assert held(desk.server) != [CONTENT]
        assert "was delivered" in desk.next_run()[0]
    assert held(desk.server) == [CONTENT]


def test_a_deposit_that_was_overtaken_is_dropped_and_one_on_its_way_waits(
    desk: Desk, tmp_path: Path
) -> None:
    deposit(desk.settings, "evts21_01", desk.place)
    there = read_state(desk.site.state, "evts21_01")
    begin_change(desk.site.state, there)
    with desk.is_there():
        assert desk.next_run() == []
        assert len(desk.waiting()) == 1
        publish(desk.site, tmp_path, "1.1")
        (note,) = desk.next_run()
    assert note.endswith(f"in {desk.place} was overtaken; deposit again")
    assert desk.waiting() == []
    assert held(desk.server) == []


def test_a_deposit_waits_until_its_place_is_set_again(desk: Desk, tmp_path: Path) -> None:
    deposit(desk.settings, "evts21_01", desk.place)
    port = {"site.odc_port": int(desk.site.odc.url.rpartition(":")[2]), **PUBLIC}
    (failure,) = replace(desk, settings=settings(tmp_path, port)).failures(Said())
    refused = f"evts21_01: queued registration refused by {desk.place}: it is not set where"
    assert failure.startswith(refused)
    assert len(desk.waiting()) == 1


def test_depositing_again_takes_along_what_waits(desk: Desk) -> None:
    deposit(desk.settings, "evts21_01", desk.place)
    with desk.is_there():
        made = deposit(desk.settings, "evts21_01", desk.place)
    assert isinstance(made, Deposit)
    assert desk.waiting() == []


def test_a_refusal_is_an_error_at_once(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("another")
    with desk.is_there(), pytest.raises(ServiceError, match="check the token"):
        deposit(desk.settings, "evts21_01", desk.place)
    assert desk.waiting() == []


def test_the_command_says_what_waits(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(CHECKOUT)
    monkeypatch.setenv(f"VOPUB_{desk.place.name}_URL", desk.url)
    monkeypatch.setenv(f"VOPUB_{desk.place.name}_TOKEN", str(tmp_path / "token"))
    words = ["deposit", "evts21_01", "--to", desk.place.value, "--site", str(tmp_path / "site")]

    def said() -> str:
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert ended.value.code == 0
        return " ".join(capsys.readouterr().err.split())

    waits = said()
    assert waits.startswith("evts21_01 is queued: ")
    assert waits.endswith("the next 'vopub publish' delivers it")
    with desk.is_there():
        assert "evts21_01 is a draft at http://" in said()
    assert desk.waiting() == []
