"""1,000,000 events through the real descriptor, against the same one with a ``csvGrammar``.

The peer is what every DaCHS tutorial shows: DaCHS reads the CSV row by row. Both descriptors differ
in nothing else, and go through the same ``dachs imp`` into the same site.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from time import perf_counter

from bench.report import Figure
from bench.tables import descriptor_of, event_table, settings_in, write_csv
from vopub.model.event_table import EventTable
from vopub.model.server import DachsServer
from vopub.settings import Settings
from vopub.site import Site
from vopub.vo.dachs import TABLE
from vopub.vo.database import row_count
from vopub.vo.load import load
from vopub.vo.places import data_file

ROWS = 1_000_000
AT_LEAST = 8.0
OURS, PEER = "evts99_01", "evts99_02"


def measure() -> list[Figure]:
    place = Path(tempfile.mkdtemp(prefix="vopub-bench-"))
    place.chmod(0o755)
    settings = settings_in(place)
    site = Site(settings)
    try:
        site.up(lambda _: None)
        table = event_table(ROWS)
        seconds = {name: _load(site.dachs, settings, name, table, place) for name in (OURS, PEER)}
    finally:
        site.down()
        shutil.rmtree(place)
    detail = f"{ROWS} rows: {seconds[OURS]:.1f} s against {seconds[PEER]:.1f} s"
    ratio = seconds[PEER] / seconds[OURS]
    return [Figure("load, against csvGrammar", ratio, "times as fast", AT_LEAST, True, detail)]


def _load(
    server: DachsServer, settings: Settings, name: str, table: EventTable, place: Path
) -> float:
    """Load the table and return the seconds that DaCHS's import took."""
    path = place / f"{name}.csv"
    write_csv(table, path)
    descriptor = descriptor_of(name, table, path, settings)
    if name == PEER:
        descriptor = _row_by_row(descriptor, data_file(path))
    began = perf_counter()
    result = load(server, name, descriptor=descriptor, csv=path, rows=len(table))
    print(f"{name}: import {result.seconds:.1f} s, in all {perf_counter() - began:.1f} s")
    if row_count(server.database, name, TABLE) != len(table):
        raise RuntimeError(f"{name} does not hold {len(table)} rows")
    return result.seconds


def _row_by_row(descriptor: str, data: str) -> str:
    """Return the same descriptor with the import of DaCHS's tutorials."""
    peer = (
        f'<data id="import"><sources>{data}</sources><csvGrammar/>'
        '<make table="events"><rowmaker idmaps="*"/></make></data>'
    )
    changed, count = re.subn(r'<data id="import">.*?</data>', peer, descriptor, flags=re.DOTALL)
    if count != 1:
        raise RuntimeError("the descriptor has no data element to replace")
    return changed
