"""A table that is served before a load begins, and what is left of one."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from vopub.model.dataset import EventDataset
from vopub.model.server import DachsServer
from vopub.vo.dachs import TABLE
from vopub.vo.database import query, row_count

ID = "evts40_01"
NEVER = "evts40_02"
"""Of a resource that is never loaded with success."""


def make(samples: ModuleType, rows: int, identifier: str = ID, **changed: Any) -> EventDataset:
    return EventDataset(
        samples.metadata(rows, identifier=identifier), samples.table(rows, **changed)
    )


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


def fewer_rows(given: dict[str, Any]) -> None:
    lines = given["csv"].read_text(encoding="utf-8").splitlines(keepends=True)
    given["csv"].write_text("".join(lines[:-1]), encoding="utf-8")
