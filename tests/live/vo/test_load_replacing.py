"""A table takes the place of another: all at once, or not at all."""

from __future__ import annotations

import csv
import io
import os
import shutil
import threading
from types import ModuleType
from typing import Any

import httpx
import pytest

from vopub.errors import ProofError, ServiceError
from vopub.model.dataset import EventDataset
from vopub.model.server import DachsServer
from vopub.vo.candidate import candidate_of, promote
from vopub.vo.dachs import TABLE, Dachs
from vopub.vo.database import query, row_count
from vopub.vo.known_events import known_events
from vopub.vo.load import load, restore
from vopub.vo.prove import cone_url, prove, prove_candidate, quick_check

from .first_table import ID, fewer_rows, make

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("still_served")]


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
