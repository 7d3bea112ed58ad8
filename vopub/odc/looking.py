"""Transactions that read: one for all that an answer says, so that it says it of one moment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

from sqlalchemy import Engine
from sqlalchemy.orm import Session

Handler = TypeVar("Handler", bound=Callable[..., Any])


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
        with Session(self._engine) as session:
            self._here.session = session
            try:
                yield session
            finally:
                self._here.session = None

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
