"""What fails on the way into DaCHS leaves what was served before, or nothing."""

from __future__ import annotations

import csv
import io
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from vopub.errors import (
    MissingProgramError,
    ProofError,
    ServiceError,
    TableError,
    VopubError,
)
from vopub.model.dataset import EventDataset
from vopub.model.server import DachsServer, Database
from vopub.vo.candidate import candidate_of, promote
from vopub.vo.dachs import TABLE, Dachs
from vopub.vo.database import query, row_count
from vopub.vo.known_events import known_events
from vopub.vo.load import load, remove, restore
from vopub.vo.prove import cone_url, prove, prove_candidate, quick_check

pytestmark = pytest.mark.live

ID = "evts40_01"
NEVER = "evts40_02"


def make(samples: ModuleType, rows: int, identifier: str = ID, **changed: Any) -> EventDataset:
    return EventDataset(
        samples.metadata(rows, identifier=identifier), samples.table(rows, **changed)
    )


@pytest.fixture(scope="module")
def first(samples: ModuleType) -> EventDataset:
    return make(samples, 100)


@pytest.fixture(scope="module")
def _published(
    make_loader: Callable[[Path], Any], first: EventDataset, tmp_path_factory: Any
) -> Iterator[None]:
    loader = make_loader(tmp_path_factory.mktemp("first"))
    loader(first)
    yield
    remove(loader.server, ID)


@pytest.fixture(autouse=True)
def still_served(
    _published: None, server: DachsServer, samples: ModuleType, first: EventDataset
) -> Iterator[None]:
    """After each of these tests the first publication answers, and no leftover is about."""
    yield
    assert quick_check(server, first.metadata, known_events(first.table))
    assert row_count(server.database, ID, TABLE) == len(first.table)
    assert Dachs(server).published(f"{ID}/q") == [f"ivo://{samples.AUTHORITY}/{ID}/q/cone"]
    assert not (server.root / "staging" / ID).exists()
    assert traces_of(server, NEVER) == []
    for name in (ID, NEVER):
        assert traces_of(server, candidate_of(name)) == []


def traces_of(server: DachsServer, identifier: str) -> list[str]:
    """Return where something is left of a resource."""
    places = [server.inputs, server.root / "staging", server.root / "previous"]
    found = [str(place / identifier) for place in places if (place / identifier).exists()]
    for table, column in (
        ("dc.tablemeta", "sourcerd"), ("dc.resources", "sourcerd"), ("dc.rdmeta", "sourcerd"),
        ("tap_schema.tables", "sourcerd"), ("tap_schema.columns", "sourcerd"),
    ):  # fmt: skip
        sql = f"SELECT 1 FROM {table} WHERE {column} = :'rd'"
        if table == "dc.resources":
            sql += " AND NOT deleted"
        found += [table for _ in query(server.database, sql, {"rd": f"{identifier}/q"})]
    if row_count(server.database, identifier, TABLE) is not None:
        found.append("table")
    return found


def broken_descriptor(given: dict[str, Any]) -> None:
    given["descriptor"] = given["descriptor"].replace("scsCore", "scscore")


def unknown_type(given: dict[str, Any]) -> None:
    given["descriptor"] = given["descriptor"].replace('type="double precision"', 'type="dubble"', 1)


def not_xml(given: dict[str, Any]) -> None:
    given["descriptor"] = given["descriptor"].replace("</regSuite>", "")


def fewer_rows(given: dict[str, Any]) -> None:
    lines = given["csv"].read_text(encoding="utf-8").splitlines(keepends=True)
    given["csv"].write_text("".join(lines[:-1]), encoding="utf-8")


def only_a_header(given: dict[str, Any]) -> None:
    lines = given["csv"].read_text(encoding="utf-8").splitlines(keepends=True)
    given["csv"].write_text(lines[0], encoding="utf-8")


def same_identifier_twice(given: dict[str, Any]) -> None:
    lines = given["csv"].read_text(encoding="utf-8").splitlines(keepends=True)
    given["csv"].write_text("".join([*lines[:-1], lines[-2]]), encoding="utf-8")


def bad_number(given: dict[str, Any]) -> None:
    text = given["csv"].read_text(encoding="utf-8")
    given["csv"].write_text(text.replace(",59269.", ",soon", 1), encoding="utf-8")


def columns_in_another_order(given: dict[str, Any]) -> None:
    text = given["csv"].read_text(encoding="utf-8")
    given["csv"].write_text(text.replace(",ra,dec,", ",dec,ra,", 1), encoding="utf-8")


def another_authority(given: dict[str, Any]) -> None:
    """Valid, and imported; then DaCHS will not publish it, and says so by the way."""
    given["descriptor"] = given["descriptor"].replace(
        '<meta name="shortName">',
        f'<meta name="identifier">ivo://somebody.else/{ID}</meta><meta name="shortName">',
    )


SPOILERS: list[tuple[Callable[[dict[str, Any]], None], str]] = [
    (broken_descriptor, r"q\.rd, line \d+: DaCHS finds the descriptor invalid .*scscore"),
    (unknown_type, r"DaCHS finds the descriptor invalid .*dubble"),
    (not_xml, r"q\.rd, line \d+: DaCHS finds the descriptor invalid .*mismatched tag"),
    (fewer_rows, r"DaCHS could not import .*holds 119 rows, expected are 120"),
    (only_a_header, r"DaCHS could not import .*holds 0 rows, expected are 120"),
    (same_identifier_twice, r"DaCHS could not import .*events_pkey|could not import .*unique"),
    (bad_number, r"DaCHS could not import .*soon"),
    (columns_in_another_order, r"DaCHS could not import .*column name mismatch"),
    (another_authority, r"DaCHS could not publish .*authority"),
]


CASES = [(ID, *case) for case in SPOILERS] + [
    (NEVER, *case) for case in SPOILERS if case[0] in (not_xml, fewer_rows, another_authority)
]


@pytest.mark.parametrize(
    ("identifier", "spoil", "said"), CASES, ids=[f"{i}-{s.__name__}" for i, s, _ in CASES]
)
def test_failure_at_any_step_leaves_what_was_before(
    loader: Any,
    server: DachsServer,
    samples: ModuleType,
    spoil: Callable[[dict[str, Any]], None],
    said: str,
    identifier: str,
) -> None:
    given = loader.prepare(make(samples, 120, identifier))
    spoil(given)
    with pytest.raises(ServiceError, match=said) as caught:
        load(server, identifier, **given)
    assert "\n" not in str(caught.value)


def test_no_rows_are_refused(loader: Any, server: DachsServer, samples: ModuleType) -> None:
    given = loader.prepare(make(samples, 120))
    with pytest.raises(TableError, match="no rows to publish as evts40_01"):
        load(server, ID, **{**given, "rows": 0})


def test_data_that_are_not_there_are_reported(
    loader: Any, server: DachsServer, samples: ModuleType, tmp_path: Path
) -> None:
    given = loader.prepare(make(samples, 120))
    with pytest.raises(VopubError, match="cannot write: No such file"):
        load(server, ID, **{**given, "csv": tmp_path / "nowhere.csv"})


def test_restore_goes_back_to_what_was_before(
    loader: Any, server: DachsServer, samples: ModuleType, first: EventDataset
) -> None:
    assert load(server, ID, **loader.prepare(make(samples, 120))).replaced
    assert row_count(server.database, ID, TABLE) == 120
    assert restore(server, ID)
    known = known_events(first.table)
    prove(server, first.metadata, known, authority=samples.AUTHORITY)


def narrowed(samples: ModuleType, dataset: EventDataset) -> EventDataset:
    """Return the same events with few of their columns."""
    few = samples.parameters(("event_id", "ra", "dec", "zenith"))
    table = type(dataset.table)(few, {p.name: dataset.table[p.name] for p in few})
    return EventDataset(samples.metadata(len(table), identifier=ID, parameters=few), table)


def test_other_columns_are_served_at_once(
    loader: Any, server: DachsServer, samples: ModuleType, first: EventDataset
) -> None:
    narrow = narrowed(samples, first)
    loader(narrow)
    prove(server, narrow.metadata, known_events(narrow.table), authority=samples.AUTHORITY)
    loader(first)
    prove(server, first.metadata, known_events(first.table), authority=samples.AUTHORITY)


def test_columns_that_went_just_now_are_not_asked_for(
    loader: Any, server: DachsServer, samples: ModuleType, first: EventDataset
) -> None:
    """As between the moments when tables, and when descriptors, have changed places."""
    path = server.inputs / ID / "q.rd"
    before = path.read_text(encoding="utf-8")
    after = loader.prepare(narrowed(samples, first))["descriptor"]
    wanted = {"RA": "0", "DEC": "0", "SR": "180", "RESPONSEFORMAT": "csv"}

    def ask(**more: str) -> str:
        path.write_text(before, encoding="utf-8")
        Dachs(server).reload(f"{ID}/q")
        httpx.get(f"{server.url}/{ID}/q/cone/info").raise_for_status()
        path.write_text(after, encoding="utf-8")  # not looked at again for ten seconds
        return httpx.get(cone_url(server, ID), params={**wanted, **more}, timeout=60).text

    query(server.database, "ALTER TABLE evts40_01.events RENAME COLUMN energy TO gone")
    try:
        rows = list(csv.DictReader(io.StringIO(ask())))
        assert {row["event_id"] for row in rows} == set(first.table["event_id"])
        assert "energy" not in rows[0]
        assert 'name="Error"' in ask(energy="1 100")  # nobody can tell any more which these are
    finally:
        query(server.database, "ALTER TABLE evts40_01.events RENAME COLUMN gone TO energy")
        path.write_text(before, encoding="utf-8")
        Dachs(server).reload(f"{ID}/q")


LOAD = """
import sys
from pathlib import Path
from vopub.model.server import Database, DachsServer
from vopub.vo.load import load
url, root, settings, host, port, name, user, descriptor, csv, rows = sys.argv[1:]
database = Database(host, int(port), name, user)
server = DachsServer(url, Path(root), Path(settings), database)
load(server, "evts40_01", descriptor=Path(descriptor).read_text(), csv=Path(csv), rows=int(rows),
     report=lambda line: print(line, flush=True))
"""


def is_importing(identifier: str) -> bool:
    """Tell whether a ``dachs imp`` of a resource runs."""
    wanted = f"\0imp\0{identifier}/q\0".encode()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it ended just now
            if wanted in path.read_bytes():
                return True
    return False


@pytest.mark.parametrize("step", ["importing", "publishing"])
def test_load_that_is_killed_is_healed_by_the_next(
    loader: Any, server: DachsServer, samples: ModuleType, first: EventDataset, step: str,
    tmp_path: Path,
) -> None:  # fmt: skip
    given = loader.prepare(make(samples, 120))
    descriptor = tmp_path / "q.rd"
    descriptor.write_text(given["descriptor"], encoding="utf-8")
    database = server.database
    arguments = [server.url, server.root, server.settings_file, database.host, database.port,
                 database.name, database.user, descriptor, given["csv"], given["rows"]]  # fmt: skip
    command = [sys.executable, "-c", LOAD, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        next(line for line in process.stdout if line.startswith(step))
        process.kill()
    assert process.returncode == -signal.SIGKILL
    if step == "importing":
        deadline = time.monotonic() + 60
        while is_importing(ID) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert row_count(server.database, ID, TABLE) == 100
        assert quick_check(server, first.metadata, known_events(first.table))
    loader(first)
    prove(server, first.metadata, known_events(first.table), authority=samples.AUTHORITY)


def test_candidate_that_is_not_as_it_should_be_replaces_nothing(
    loader: Any, server: DachsServer, samples: ModuleType, first: EventDataset
) -> None:
    other = make(samples, 120)
    given = loader.prepare(other)
    seen = []

    def check(name: str) -> None:
        seen.append(quick_check(server, first.metadata, known_events(first.table)))
        hidden = httpx.get(f"{server.url}/tap/tables").text
        seen.append(name not in hidden and name == candidate_of(ID))
        wrong = make(samples, 121)
        prove_candidate(server, wrong.metadata, known_events(wrong.table), name)

    with pytest.raises(ProofError, match="rows in the table: 120 instead of 121"):
        load(server, ID, **given, check=check)
    assert seen == [True, True]


def test_tables_of_others_in_the_schema_are_never_removed(
    loader: Any, server: DachsServer, samples: ModuleType
) -> None:
    query(server.database, 'CREATE TABLE evts40_01."of somebody" (n int)')
    try:
        with pytest.raises(ServiceError, match="also holds of somebody, which vopub did not make"):
            loader(make(samples, 120))
        assert row_count(server.database, ID, "of somebody") == 0
    finally:
        query(server.database, 'DROP TABLE evts40_01."of somebody"')


def test_nobody_waits_or_sees_a_mixture_while_a_table_is_replaced(
    loader: Any, server: DachsServer, samples: ModuleType, first: EventDataset
) -> None:
    other = make(samples, 120)
    whole = [set(first.table["event_id"]), set(other.table["event_id"])]
    wanted = {"RA": "0", "DEC": "0", "SR": "180", "RESPONSEFORMAT": "csv"}
    answers: list[tuple[int, set[str]]] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            answer = httpx.get(cone_url(server, ID), params=wanted, timeout=60)
            rows = csv.DictReader(io.StringIO(answer.text))
            answers.append((answer.status_code, {row.get("event_id", "") for row in rows}))

    clients = [threading.Thread(target=ask) for _ in range(4)]
    for client in clients:
        client.start()
    try:
        loader(other)
        loader(narrowed(samples, first))
        loader(first)
    finally:
        done.set()
        for client in clients:
            client.join()
    assert len(answers) > 20
    assert {status for status, _ in answers} == {200}
    assert {whole.index(ids) for _, ids in answers} == {0, 1}


def test_crash_between_schemas_and_directories_is_healed(
    loader: Any, server: DachsServer, samples: ModuleType, first: EventDataset
) -> None:
    other = make(samples, 120)
    given = loader.prepare(other)

    def crash(_: str) -> None:
        promote(server.database, ID)
        raise KeyboardInterrupt  # as a kill: nothing tidies up

    with pytest.raises(KeyboardInterrupt):
        load(server, ID, **given, check=crash)
    assert row_count(server.database, ID, TABLE) == 120
    fewer_rows(given)
    with pytest.raises(ServiceError, match="119 rows"):
        load(server, ID, **given)
    assert row_count(server.database, ID, TABLE) == 100


def test_crash_between_the_two_renames_is_healed_even_by_a_load_that_fails(
    loader: Any, server: DachsServer, samples: ModuleType, first: EventDataset
) -> None:
    load(server, ID, **loader.prepare(first))
    live, previous = server.inputs / ID, server.root / "previous" / ID
    staging = server.root / "staging" / ID
    shutil.rmtree(previous)
    live.rename(previous)
    shutil.copytree(previous, staging)
    given = loader.prepare(make(samples, 120))
    fewer_rows(given)
    with pytest.raises(ServiceError):
        load(server, ID, **given)
    assert live.exists()


def test_reload_makes_the_server_read_a_descriptor_that_looks_old(
    server: DachsServer, first: EventDataset
) -> None:
    title = first.metadata.publication.title
    info = f"{server.url}/{ID}/q/cone/info"
    path = server.inputs / ID / "q.rd"
    text = path.read_text(encoding="utf-8")
    assert title in httpx.get(info).text
    for changed in (text.replace(title, "Quite another title"), text):
        path.write_text(changed, encoding="utf-8")
        os.utime(path, (0, 0))
        Dachs(server).reload(f"{ID}/q")
        assert ("Quite another title" in httpx.get(info).text) is (changed is not text)


def test_missing_dachs_is_named_with_its_package(
    server: DachsServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingProgramError, match=r"'dachs' is not installed.*python3-gavo"):
        Dachs(server).validate(f"{ID}/q")


def test_database_that_is_down_is_reported(reachable_directory: Path) -> None:
    with pytest.raises(ServiceError, match=r"database gavo refused: .*No such file.*doctor"):
        query(Database(str(reachable_directory), 5432, "gavo", "vopub"), "SELECT 1")


def test_bad_sql_is_reported(server: DachsServer) -> None:
    with pytest.raises(ServiceError, match="syntax error"):
        query(server.database, "SELEKT 1")


def test_parameters_of_a_query_are_quoted(server: DachsServer) -> None:
    nasty = "'; DROP TABLE x; -- \"\\ é\nline, two"
    assert query(server.database, "SELECT :'text', NULL, 1", {"text": nasty}) == [[nasty, "", "1"]]
