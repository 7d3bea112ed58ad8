"""Values that are made when they are looked up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

Value = TypeVar("Value")


class Lazy(Mapping[str, Value]):
    """A mapping whose values are made when they are first looked up.

    Parameters
    ----------
    makers
        What makes each value.
    """

    def __init__(self, makers: Mapping[str, Callable[[], Value]]) -> None:
        self._makers = makers
        self._made: dict[str, Value] = {}

    def __getitem__(self, name: str) -> Value:
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]

    def forget(self) -> None:
        """Let go of the values and of what makes them, which often refers to this mapping.

        Python would free such a circle only when it comes to look for it: much later, if the values
        are few and large.
        """
        self._makers = {}
        self._made.clear()

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)

    def __contains__(self, name: object) -> bool:
        return name in self._makers
