"""Transactions that read: one for all that an answer says, so that it says it of one moment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

from sqlalchemy import Engine, Executable
from sqlalchemy.orm import Session

Handler = TypeVar("Handler", bound=Callable[..., Any])
Statement = TypeVar("Statement", bound=Executable)

PLANNED_ONCE = "planned_once"
"""Option of statements that read for which PostgreSQL may keep a plan."""


def planned_once(statement: Statement) -> Statement:
    """Let PostgreSQL keep the plan of a statement, which is then the same for all values.

    For those whose best plan does not depend on them: what is found by a name, or in the order of
    an index. Others are planned for the values that they are asked with.
    """
    return statement.execution_options(**{PLANNED_ONCE: True})


class Looks:
    """Makes transactions that read.

    Parameters
    ----------
    engine
        Of the database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._here = threading.local()

    @contextmanager
    def __call__(self) -> Iterator[Session]:
        """Return a transaction to be used in ``with``; inside another one, in this thread, that."""
        if (outer := getattr(self._here, "session", None)) is not None:
            yield outer
            return
        with Session(self._engine, autoflush=False, expire_on_commit=False) as session:
            self._here.session = session
            try:
                yield session
            finally:
                self._here.session = None
            # Rolled back, psycopg would forget what it has prepared. Nothing is written.
            session.expunge_all()
            session.commit()

    def apart(self) -> Session:
        """Return a transaction of its own, for what is kept: it is not older than this call."""
        return Session(self._engine)


def of_one_moment(handler: Handler) -> Handler:
    """Let everything that a handler of requests reads of its ``store`` be of one moment."""

    @wraps(handler)
    def answer(*arguments: Any, **named: Any) -> Any:
        with named["store"].reading():
            return handler(*arguments, **named)

    return answer  # type: ignore[return-value]
