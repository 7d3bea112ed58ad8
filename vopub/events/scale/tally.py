"""How far a reduction came, for those who wait for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tally:
    """How much was done so far."""

    doing: str
    """What is done: ``reading`` or ``writing``."""
    done: int
    """Files that were read, or rows that were written."""
    total: int
    """How many there are in all."""
    events: int
    """Events that were read or written."""
    failed: int = 0
    """Files that could not be read."""
    under_way: float = 0.0
    """How much was read of the files that are being read, in files."""


Watch = Callable[[Tally], None]
"""Is told how far it is, now and then."""


Step = Callable[[int, int], None]
"""Is told how many events of a file were read, and how many it has."""
Steps = Callable[[int, int, int], None]
"""The same with the number of the file before."""


def nobody(tally: Tally) -> None:
    """Watch nothing."""
    del tally


def unheard(*numbers: int) -> None:
    """Hear no step."""
    del numbers
