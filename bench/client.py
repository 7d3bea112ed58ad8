"""The client: what importing costs, and a catalogue of 10,000 records over HTTP."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

from bench.described import described
from bench.report import Figure
from vopub import KM3Store
from vopub.model.catalogue import known_parameters
from vopub.model.ktype import Ktype
from vopub.model.resource import KM3OpenResource, KM3ResourceCollection, make_kid
from vopub.odc.store import Store

ROOT = Path(__file__).parents[1]
RECORDS = 10_000
TURNS = 3
TOKEN = "a token for measuring only"  # noqa: S105 - of a server that lives for seconds
COLLECTION = "evts99_01"


def measure() -> list[Figure]:
    imports = [_import("import vopub", 0.3), _import("from vopub import KM3Store", 0.5)]
    place = Path(tempfile.mkdtemp(prefix="vopub-bench-"))
    try:
        _fill(place / "odc")
        return [*imports, *_with_server(place)]
    finally:
        shutil.rmtree(place)


def _import(line: str, most: float) -> Figure:
    code = f"from time import perf_counter as t; a = t(); {line}; print(t() - a)"
    command = [sys.executable, "-c", code]
    runs = [float(subprocess.check_output(command, cwd=ROOT, text=True)) for _ in range(5)]
    return Figure(line, median(runs), "s", most, detail="median of 5, a process each")


def _with_server(place: Path) -> list[Figure]:
    (place / "token").write_text(TOKEN)
    command = [sys.executable, "-m", "vopub.odc", "--directory", str(place / "odc"), "--port", "0"]
    with (place / "log").open("w") as log:
        server = subprocess.Popen(
            [*command, "--token-file", str(place / "token")], cwd=ROOT, stdout=subprocess.PIPE,
            stderr=log, text=True,
        )  # fmt: skip
    try:
        assert server.stdout is not None
        return _catalogue(server.stdout.readline().split()[-1], place / "cache")
    finally:
        server.terminate()
        server.communicate()


def _catalogue(url: str, cache: Path) -> list[Figure]:
    first, second, again, offline = zip(
        *(_session(url, cache / str(turn)) for turn in range(TURNS)), strict=True
    )
    size = sum(path.stat().st_size for path in cache.rglob("*") if path.is_file()) / TURNS
    detail = f"{RECORDS} records, {size / 1e6:.1f} MB"
    return [
        Figure("catalogue, first list()", median(first), "s", 1, detail=detail),
        Figure("catalogue, second list()", median(second) * 1000, "ms", 50),
        Figure("catalogue, list() of a new store", median(again) * 1000, "ms", 50,
               detail="read from disk, answered 304"),
        Figure("catalogue, list() offline", median(offline) * 1000, "ms", 50, detail="from disk"),
    ]  # fmt: skip


def _session(url: str, cache: Path) -> tuple[float, float, float, float]:
    """Return the seconds of a first list, the next, one of a new store and one offline."""
    store = KM3Store(url, cache=cache)
    return (
        _seconds(lambda: _list(store)),
        _seconds(lambda: _list(store)),
        _seconds(lambda: _list(KM3Store(url, cache=cache))),
        _seconds(lambda: _list(KM3Store(url, cache=cache, offline=True))),
    )


def _list(store: KM3Store) -> None:
    assert len(store.list()) == 1
    assert len(store.list(COLLECTION)) == RECORDS


def _seconds(act: Callable[[], None]) -> float:
    began = perf_counter()
    act()
    return perf_counter() - began


def _fill(directory: Path) -> None:
    store = Store(directory)
    store.groupings.put(
        KM3ResourceCollection(
            identifier=COLLECTION,
            title="Records to measure with",
            description="Nothing that a detector ever saw.",
        )
    )
    for number in range(RECORDS):
        store.put_resource(_record(number))
    store.close()


def _record(number: int) -> KM3OpenResource:
    identifier = f"{COLLECTION}_n{number:05}"
    publication = described(
        title=f"Events of run {number} to measure with",
        description="Random directions, times and energies; nothing that a detector saw. " * 6,
    )
    return KM3OpenResource(
        kid=make_kid("bench.invalid", identifier, "1.0"),
        identifier=identifier,
        ktype=Ktype.EVENTS,
        simulated=True,
        publication=publication,
        parameters=tuple(known_parameters().values())[:20],
        rows=number,
        collection=COLLECTION,
    )
