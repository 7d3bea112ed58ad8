"""Very many rows or values in one statement.

SQLite's driver gives up Python's lock at every step of a statement, and takes it again: at every
row that it reads or writes. While other threads are busy, each row waits for them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from sqlalchemy import (
    ARRAY,
    BindParameter,
    ColumnElement,
    Connection,
    Select,
    Table,
    bindparam,
    func,
    insert,
    select,
    type_coerce,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

MOST_PARAMETERS = 32766
"""Of one statement of SQLite."""


def column_of(session: Session, chosen: Select[Any]) -> list[Any]:
    """Return the only column of a selection, in order; from SQLite as JSON has it."""
    return column_in_one(session, in_one(session.get_bind().dialect.name, chosen), {})


def in_one(dialect: str, chosen: Select[Any]) -> Select[Any]:
    """Return the selection of the only column of another one as one value."""
    (column,) = chosen.subquery().columns
    together = func.json_group_array if dialect == "sqlite" else func.array_agg
    return select(together(column))


def column_in_one(session: Session, chosen: Select[Any], given: Mapping[str, Any]) -> list[Any]:
    """Return the column that ``in_one`` made one value of, with the values that it names."""
    found: list[Any] | str | None = session.connection().scalar(chosen, given)
    if isinstance(found, str):
        found = json.loads(found)
    return list(found or [])


def among(
    session: Session,
    column: ColumnElement[Any] | InstrumentedAttribute[Any],
    values: Sequence[int] | Sequence[str],
) -> ColumnElement[bool]:
    """Return that a column has one of many values, which are given as one."""
    dialect = session.get_bind().dialect.name
    return _is_among(dialect, column, bindparam(None, packed(dialect, values)))


def among_given(dialect: str, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Return the same for values that are given by name when it is asked, as ``packed``."""
    return _is_among(dialect, column, bindparam(name))


def _is_among(
    dialect: str, column: ColumnElement[Any] | InstrumentedAttribute[Any],
    given: BindParameter[Any],
) -> ColumnElement[bool]:  # fmt: skip
    if dialect != "sqlite":
        return column == func.any(type_coerce(given, ARRAY(column.type)))
    return column.in_(select(func.json_each(given).table_valued("value").c.value))


def packed(dialect: str, values: Sequence[int] | Sequence[str]) -> str | list[Any]:
    """Return many values as one."""
    return json.dumps(values) if dialect == "sqlite" else list(values)


def insert_rows(session: Session, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all have the same columns."""
    connection = session.connection()
    if not rows:
        return
    if not _is_sqlite(connection):
        connection.execute(insert(table), list(rows))
        return
    names = list(rows[0])
    values = [[row[name] for row in rows] for name in names]
    for place, name in enumerate(names):
        kind = table.columns[name].type.dialect_impl(connection.dialect)
        if convert := kind.bind_processor(connection.dialect):
            values[place] = list(map(convert, values[place]))
    insert_values(connection, f"{table.name} ({', '.join(names)})", list(zip(*values, strict=True)))


def insert_values(connection: Connection, into: str, rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows in SQLite into a table with its columns, values as its driver has them."""
    for some in _pieces(rows):
        one = f"({', '.join('?' * len(some[0]))})"
        sql = f"INSERT INTO {into} VALUES {', '.join([one] * len(some))}"  # noqa: S608 - names only
        connection.exec_driver_sql(sql, tuple(chain.from_iterable(some)))


def _pieces(rows: Sequence[Sequence[Any]]) -> Iterator[Sequence[Sequence[Any]]]:
    """Yield rows in pieces that fit into one statement."""
    size = MOST_PARAMETERS // len(rows[0]) if rows else 1
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _is_sqlite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"
