"""``vopub diff``."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from vopub.cli.options import JsonOption, SiteOption, settings_of, show_json
from vopub.formats.compare import Change, ColumnChange, Difference, compare
from vopub.formats.compare_rows import RowDifference
from vopub.model.resource import ID_PATTERN

MOST_LINES = 12
"""Of a long list so many lines are printed; ``--json`` has all."""
MOST_CHARACTERS = 60

TableArgument = Annotated[
    str,
    typer.Argument(
        metavar="TABLE",
        help="A file of any format, a directory of products, or the id of a published resource.",
        show_default=False,
    ),
]


def diff(
    before: TableArgument,
    after: TableArgument,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="End with code 1 if anything differs.")
    ] = False,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare two event tables: their columns, rows by event identifier, and metadata."""
    first, second = (_place(name, site) for name in (before, after))
    difference = compare(first, second)
    if as_json:
        show_json({**asdict(difference), "equal": difference.equal})
    else:
        sys.stdout.write("\n".join(_told(difference)) + "\n")
    if exit_code and not difference.equal:
        raise typer.Exit(1)


def _place(name: str, site: Path | None) -> Path:
    """Return the path that is named; the products of a resource if there is no such path."""
    path = Path(name)
    if not path.exists() and re.fullmatch(ID_PATTERN, name):
        return settings_of(site, None, None).site.directory / "products" / name
    return path


def _told(difference: Difference) -> Iterator[str]:
    rows = difference.rows
    if difference.equal:
        yield f"The tables are equal: {rows.after:,} rows, and everything said about them."
        return
    if difference.same_table:
        yield f"The tables are equal ({rows.after:,} rows); what is said about them differs."
    else:
        yield "The tables differ."
        yield from _listed("Columns", list(_columns(difference.columns, order=difference.order)))
        yield from _listed("Rows", list(_rows(rows)))
    yield from _listed("Metadata", [_change(change) for change in difference.metadata])


def _listed(title: str, lines: Sequence[str]) -> Iterator[str]:
    if not lines:
        return
    yield f"{title}:"
    yield from (f"  {line}" for line in lines[:MOST_LINES])
    if len(lines) > MOST_LINES:
        yield f"  … and {len(lines) - MOST_LINES} more; --json lists all"


def _columns(columns: Sequence[ColumnChange], *, order: bool) -> Iterator[str]:
    for column in columns:
        if column.kind == "changed":
            yield from (f"~ {column.name}.{_change(change)}" for change in column.changes)
        else:
            yield f"{'+' if column.kind == 'added' else '-'} {column.name}"
    if order:
        yield "the columns come in another order"


def _rows(rows: RowDifference) -> Iterator[str]:
    if rows.before != rows.after:
        yield f"{rows.before:,} -> {rows.after:,} rows"
    counted = (
        ("+", "added", rows.added, rows.first_added),
        ("-", "removed", rows.removed, rows.first_removed),
        ("~", "changed", rows.changed, rows.first_changed),
    )
    for sign, word, number, first in counted:
        if number:
            more = ", …" if number > len(first) else ""
            yield f"{sign} {number:,} {word}: {', '.join(first)}{more}"
    if rows.moved:
        yield f"{rows.moved:,} stand in another place"
    of = "" if rows.compared == rows.changed else f" (of the first {rows.compared:,} changed)"
    for name, column in rows.columns.items():
        most = "" if column.largest is None else f", by at most {column.largest:.6g}"
        yield f"  {name} in {column.rows:,} rows{most}{of}"


def _change(change: Change) -> str:
    return f"{change.place}: {_short(change.before)} -> {_short(change.after)}"


def _short(value: Any) -> str:
    if value is None:
        return "nothing"
    text = " ".join(str(value).split())
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…"
