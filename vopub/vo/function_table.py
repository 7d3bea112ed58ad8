"""Tables of functions and of response data, beside the table of the events they belong to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from vopub.model.function_table import FunctionTable
from vopub.model.parameter import Parameter
from vopub.vo.columns import Group, columns_block
from vopub.vo.rendering import one_line


def functions_block(
    tables: Sequence[FunctionTable], events: Sequence[Parameter]
) -> list[dict[str, Any]]:
    """Return tables of functions as the template ``functions.xml`` writes them.

    Parameters
    ----------
    tables
        The tables.
    events
        The columns of the events.

    Returns
    -------
    list of dict
        Each as `columns_block`, and: ``name``, ``title``, ``description``, ``lines``, ``rows``;
        ``values``, the columns that are no edges of bins; ``bins``, the columns of the events by
        which each event finds its rows, empty if there are none.
    """
    return [_block(table, events) for table in tables]


def _block(table: FunctionTable, events: Sequence[Parameter]) -> dict[str, Any]:
    return {
        **columns_block(table.parameters),
        "groups": list(_groups(table)),
        "name": table.name,
        "title": one_line(table.title),
        "description": one_line(table.description),
        "lines": list(table.lines),
        "rows": len(table.lines),
        "values": _values(table),
        "bins": table.bins_of(events),
    }


def _values(table: FunctionTable) -> tuple[str, ...]:
    return tuple(p.name for p in table.parameters if p.name not in table.edges)


def _groups(table: FunctionTable) -> Iterator[Group]:
    if table.edges:
        yield Group("axes", "Bins of what the values are functions of.", table.edges)
    if values := _values(table):
        yield Group("quantities", "The values.", values)
