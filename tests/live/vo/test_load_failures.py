"""What fails on the way into DaCHS leaves what was served before, or nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from vopub.errors import MissingProgramError, ServiceError, TableError, VopubError
from vopub.model.dataset import EventDataset
from vopub.model.server import DachsServer, Database
from vopub.process import service_account
from vopub.site import processes
from vopub.vo.dachs import TABLE, Dachs
from vopub.vo.database import query, row_count
from vopub.vo.known_events import known_events
from vopub.vo.load import load
from vopub.vo.prove import prove, quick_check

from .first_table import ID, NEVER, fewer_rows, make

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("still_served")]


def broken_descriptor(given: dict[str, Any]) -> None:
    given["descriptor"] = given["descriptor"].replace("scsCore", "scscore")


def unknown_type(given: dict[str, Any]) -> None:
    given["descriptor"] = given["descriptor"].replace('type="double precision"', 'type="dubble"', 1)


def not_xml(given: dict[str, Any]) -> None:
    given["descriptor"] = given["descriptor"].replace("</regSuite>", "")


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


def commands_of(server: DachsServer) -> list[int]:
    """Return the ``dachs`` commands that run for a server, other than itself."""
    file = str(server.settings_file)
    found = processes.with_environment(service_account(), "GAVOSETTINGS", file)
    return [pid for pid in found if "serve" not in processes.command_line(pid)]


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
        deadline = time.monotonic() + 5
        while commands_of(server):
            assert time.monotonic() < deadline, "an import outlives vopub"
            time.sleep(0.1)
        assert row_count(server.database, ID, TABLE) == 100
        assert quick_check(server, first.metadata, known_events(first.table))
    loader(first)
    prove(server, first.metadata, known_events(first.table), authority=samples.AUTHORITY)


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
