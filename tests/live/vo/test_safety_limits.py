"""Strangers who ask for much: rows, time, all threads at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median

import httpx
import pytest

from vopub.site import Site
from vopub.site.dachs import RUNNING_QUERIES, WAITING_QUERIES
from vopub.vo.database import query

from .strangers import ENDLESS, MOST_CONE, MOST_TAP, PATIENCE, TABLE, cone, rows, status, tap

pytestmark = pytest.mark.live


def test_limits_of_rows_hold_and_say_so(fortress: Site) -> None:
    pairs = f"SELECT a.ra FROM {TABLE} a, {TABLE} b"
    for more in ({}, {"MAXREC": "100000"}):
        assert rows(tap(fortress, pairs, RESPONSEFORMAT="csv", **more)) == MOST_TAP
        assert status(tap(fortress, pairs, **more)) == "OVERFLOW"
    for more in ({}, {"MAXREC": "9" * 30}):
        assert rows(cone(fortress, RESPONSEFORMAT="csv", **more)) == MOST_CONE
        assert status(cone(fortress, **more)) == "OVERFLOW"


def test_limit_of_time_holds_and_says_so(fortress: Site) -> None:
    answer = tap(fortress, ENDLESS)
    assert status(answer) == "ERROR"
    assert "took longer than" in answer.text or "too long" in answer.text
    # Who asks for more time does not get it.
    slow = "CREATE FUNCTION public.slow(anyelement) RETURNS boolean LANGUAGE sql"
    assert query(fortress.dachs.database, f"{slow} AS 'SELECT pg_sleep(20) IS NOT NULL'") == []
    view = "ALTER TABLE evts21_01.events RENAME TO kept; CREATE VIEW evts21_01.events AS"
    back = "DROP VIEW evts21_01.events; ALTER TABLE evts21_01.kept RENAME TO events;"
    query(
        fortress.dachs.database,
        f"{view} SELECT * FROM evts21_01.kept WHERE public.slow(ra);"
        "GRANT SELECT ON evts21_01.events TO gavo",
    )
    try:
        answer = cone(fortress, _TIMEOUT="100000")
    finally:
        query(fortress.dachs.database, f"{back} DROP FUNCTION public.slow(anyelement)")
    assert status(answer) == "ERROR"
    assert "timeout" in answer.text or "too long" in answer.text


def made_job(site: Site, seconds: str) -> str:
    """Make an asynchronous job of an endless query; return its address."""
    form = {"LANG": "ADQL", "QUERY": ENDLESS}
    url = f"{site.dachs.url}/tap/async"
    job = str(httpx.post(url, data=form, timeout=PATIENCE, follow_redirects=True).url)
    httpx.post(f"{job}/executionduration", data={"EXECUTIONDURATION": seconds}, timeout=PATIENCE)
    return job


@pytest.mark.parametrize("seconds", ["100000", "0", "-1", "inf", "nan"])
def test_nobody_gets_more_than_an_hour_asynchronously(fortress: Site, seconds: str) -> None:
    job = made_job(fortress, seconds)
    assert httpx.get(f"{job}/executionduration", timeout=PATIENCE).text == "3600"
    httpx.delete(job, timeout=PATIENCE)


def test_limit_of_time_holds_for_asynchronous_queries(fortress: Site) -> None:
    job = made_job(fortress, "3")
    httpx.post(f"{job}/phase", data={"PHASE": "RUN"}, timeout=PATIENCE)
    end = time.monotonic() + PATIENCE
    while httpx.get(f"{job}/phase", timeout=PATIENCE).text in ("QUEUED", "EXECUTING"):
        assert time.monotonic() < end
        time.sleep(0.2)
    assert httpx.get(f"{job}/phase", timeout=PATIENCE).text == "ERROR"
    assert "took too long" in httpx.get(f"{job}/error", timeout=PATIENCE).text
    httpx.delete(job, timeout=PATIENCE)


def test_heavy_query_leaves_cone_searches_alone(fortress: Site) -> None:
    url = f"{fortress.dachs.url}/tap/async"
    form = {"LANG": "ADQL", "QUERY": ENDLESS}
    job = str(httpx.post(url, data=form, timeout=PATIENCE, follow_redirects=True).url)
    httpx.post(f"{job}/phase", data={"PHASE": "RUN"}, timeout=PATIENCE)
    busy = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'untrusted' AND state = 'active'"
    while query(fortress.dachs.database, busy) == [["0"]]:
        assert httpx.get(f"{job}/phase", timeout=PATIENCE).text in ("QUEUED", "EXECUTING")
    assert [status(cone(fortress, MAXREC=5)) for _ in range(10)] == ["OVERFLOW"] * 10
    assert httpx.get(f"{job}/phase", timeout=PATIENCE).text == "EXECUTING"
    assert query(fortress.dachs.database, busy) == [["1"]]  # one core, not all
    httpx.delete(job, timeout=PATIENCE)
    end = time.monotonic() + PATIENCE
    while query(fortress.dachs.database, busy) != [["0"]]:
        assert time.monotonic() < end, "the query goes on, though its job is gone"
        time.sleep(0.2)


def waits(site: Site, times: int) -> list[float]:
    """Return how many seconds cone searches took, one after the other."""
    seconds = []
    for _ in range(times):
        begin = time.monotonic()
        assert status(cone(site, MAXREC=5)) == "OVERFLOW"
        seconds.append(time.monotonic() - begin)
    return seconds


def test_crowd_of_heavy_synchronous_queries_starves_nobody(fortress: Site) -> None:
    clients = 2 * (RUNNING_QUERIES + WAITING_QUERIES)
    busy = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'untrusted' AND state = 'active'"
    idle = waits(fortress, 10)
    with ThreadPoolExecutor(clients) as crowd:
        asked = [crowd.submit(tap, fortress, ENDLESS) for _ in range(clients)]
        while int(query(fortress.dachs.database, busy)[0][0]) < RUNNING_QUERIES:
            assert not all(answer.done() for answer in asked)
        meanwhile = waits(fortress, 10)
        assert int(query(fortress.dachs.database, busy)[0][0]) <= RUNNING_QUERIES
        assert sum(not answer.done() for answer in asked) > RUNNING_QUERIES, "nobody waits any more"
        answers = [answer.result() for answer in asked]
    # One core or two have to do for all of them.
    assert median(meanwhile) < 3 * median(idle) + 1, (idle, meanwhile)
    assert {status(answer) for answer in answers} == {"ERROR"}
    refused = [answer for answer in answers if answer.status_code == 503]
    assert 0 < len(refused) < clients - RUNNING_QUERIES
    for answer in refused:
        assert "Too many synchronous queries" in answer.text
        assert answer.headers["retry-after"] == "2"
    assert status(tap(fortress, f"SELECT TOP 1 ra FROM {TABLE}")) in ("OK", "OVERFLOW")
