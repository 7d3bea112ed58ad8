from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from vopub.errors import FileError, ServiceError, UnreachableError
from vopub.model.resource import KM3OpenResource
from vopub.odc.answers import Outcome
from vopub.odc.targets.base import Target
from vopub.odc.targets.dataverse import Dataverse
from vopub.odc.targets.invenio import InvenioRdm

from .conftest import InProcess, Product, make_record, product, products
from .repositories import TOKEN, DataverseLike, InvenioLike, Repository


@dataclass
class Place:
    """A target and the server that it talks to."""

    target: Target
    server: Repository
    with_token: Callable[[str], Target]
    """Makes the same target with another token."""
    deposits: Callable[[], list[dict[str, Any]]]
    """Returns all that the server holds."""
    files: Callable[[dict[str, Any]], dict[str, bytes]]


@pytest.fixture(params=["dataverse", "invenio"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    server = DataverseLike() if request.param == "dataverse" else InvenioLike()
    transport = InProcess(server.app)

    def target(token: str) -> Dataverse | InvenioRdm:
        if request.param == "dataverse":
            return Dataverse("http://dataverse.test", "km3net", token, transport)
        return InvenioRdm("http://invenio.test", token, transport)

    def deposits() -> list[dict[str, Any]]:
        held = server.datasets if isinstance(server, DataverseLike) else server.records
        return list(held.values())

    def files(deposit: dict[str, Any]) -> dict[str, bytes]:
        if isinstance(server, DataverseLike):
            return {f["name"]: f["content"] for f in deposit["files"].values()}
        assert {entry["status"] for entry in deposit["entries"].values()} <= {"completed"}
        return {name: entry["content"] for name, entry in deposit["entries"].items()}

    made = target(TOKEN)
    yield Place(made, server, target, deposits, files)
    made.close()


def write(directory: Path, files: list[Product]) -> dict[str, bytes]:
    for file in files:
        (directory / file.reference.name).write_bytes(file.content)
    return {file.reference.name: file.content for file in files}


def record() -> KM3OpenResource:
    creators = [
        {"name": "Doe, Jane", "orcid": "0000-0002-1825-0097", "affiliation": "KM3NeT"},
        {"name": "KM3NeT Collaboration"},
    ]
    return make_record(publication={"creators": creators, "source": "2018ApJ...863L..30A"})


def test_a_resource_is_deposited_as_a_draft_with_its_files(place: Place, tmp_path: Path) -> None:
    expected = write(tmp_path, products())
    made = place.target.deposit(record(), tmp_path)
    (deposit,) = place.deposits()
    assert place.files(deposit) == expected
    assert not made.published
    assert made.key in made.address
    said = str(deposit)
    for text in (record().publication.title, "Doe", "0000-0002-1825-0097", str(record().kid)):
        assert text in said


def test_depositing_again_sends_only_what_differs(place: Place, tmp_path: Path) -> None:
    write(tmp_path, products())
    made = place.target.deposit(record(), tmp_path)
    key = made.key
    assert (made.outcome, made.record) == (Outcome.CREATED, record())
    before = place.server.requests
    again = place.target.deposit(record(), tmp_path, key=key)
    is_dataverse = isinstance(place.server, DataverseLike)  # which tells what is the same
    same = Outcome.UNCHANGED if is_dataverse else Outcome.REPLACED
    assert (again.key, again.outcome) == (key, same)
    assert place.server.requests - before <= 4
    newer = product("evts21_01.csv", b"event_id\nnew\n", "text/csv; charset=utf-8")
    changed = [newer, *products()[1:3]]
    expected = write(tmp_path, changed)
    other = place.target.deposit(make_record(files=changed), tmp_path, key=key)
    assert other.outcome is Outcome.REPLACED
    (deposit,) = place.deposits()
    assert place.files(deposit) == expected


def test_a_published_one_gets_a_new_version(place: Place, tmp_path: Path) -> None:
    write(tmp_path, products())
    made = place.target.deposit(record(), tmp_path, publish=True)
    assert made.published
    assert made.doi.startswith("10.5072/")
    place.target.deposit(make_record(version="1.1"), tmp_path, key=made.key, publish=True)
    assert len(place.deposits()) == (1 if isinstance(place.server, DataverseLike) else 2)
    for deposit in place.deposits():
        assert len(place.files(deposit)) == len(products())


def test_publishing_again_what_is_the_same_makes_no_version(place: Place, tmp_path: Path) -> None:
    write(tmp_path, products())
    made = place.target.deposit(record(), tmp_path, publish=True)
    held = len(place.deposits())
    again = place.target.deposit(record(), tmp_path, key=made.key, publish=True)
    assert again.published
    assert len(place.deposits()) == held
    if isinstance(place.server, DataverseLike):
        (dataset,) = place.deposits()
        assert (dataset["state"], dataset["majors"]) == ("RELEASED", 1)
        place.target.deposit(record(), tmp_path, key=made.key)
        assert dataset["state"] == "RELEASED"
        note = make_record(publication={"note": "Look out."})
        place.target.deposit(note, tmp_path, key=made.key, publish=True)
        assert dataset["majors"] == 2
        (tmp_path / "evts21_01.csv").write_bytes(b"event_id\nnew\n")
        newer = product("evts21_01.csv", b"event_id\nnew\n", "text/csv; charset=utf-8")
        changed = make_record(files=[newer, *products()[1:]], publication={"note": "Look out."})
        place.target.deposit(changed, tmp_path, key=made.key, publish=True)
        assert dataset["majors"] == 3


@pytest.mark.parametrize("before", [True, False])
def test_an_interruption_at_any_request_is_mended_by_doing_it_again(
    place: Place, tmp_path: Path, before: bool
) -> None:
    expected = write(tmp_path, products()[:2])
    wanted = make_record(files=products()[:2])
    place.server.before = before
    interruptions = 0
    while True:
        place.server.requests, place.server.fails_at = 0, interruptions + 1
        for held in place.deposits():
            held.clear()
        clear(place.server)
        try:
            place.target.deposit(wanted, tmp_path)
        except UnreachableError:
            interruptions += 1
        else:
            break
        place.server.fails_at = -1
        place.target.deposit(wanted, tmp_path)
        (deposit,) = place.deposits()
        assert place.files(deposit) == expected
    assert interruptions >= 5


def clear(server: Repository) -> None:
    if isinstance(server, DataverseLike):
        server.datasets.clear()
    elif isinstance(server, InvenioLike):
        server.records.clear()


def test_a_wrong_token_and_a_wrong_file_are_told(place: Place, tmp_path: Path) -> None:
    write(tmp_path, products())
    with pytest.raises(ServiceError, match=r"40[13].*check the token") as refused:
        place.with_token("another").deposit(record(), tmp_path)
    assert not isinstance(refused.value, UnreachableError)
    assert "another" not in str(refused.value)
    (tmp_path / "evts21_01.csv").write_bytes(b"something else")
    with pytest.raises(FileError, match="is not the file of the record"):
        place.target.deposit(record(), tmp_path)
    (tmp_path / "evts21_01.csv").unlink()
    with pytest.raises(FileError, match="cannot read"):
        place.target.deposit(record(), tmp_path)


def test_a_place_that_is_not_there_is_told(tmp_path: Path) -> None:
    for target in (
        Dataverse("http://127.0.0.1:9", "km3net", TOKEN), InvenioRdm("http://127.0.0.1:9", TOKEN),
    ):  # fmt: skip
        with pytest.raises(UnreachableError, match="does not answer"):
            target.deposit(record(), tmp_path)
        target.close()
