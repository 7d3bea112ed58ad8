"""How often somebody may write, or try tokens."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from threading import Lock
from time import monotonic

from vopub.odc.faults import TooOftenError

WINDOW = 60.0
"""Seconds that are looked back."""
MOST_KEYS = 10_000
"""Of which the times are remembered; the oldest are forgotten."""


class Limit:
    """Counts what happened in the last minute.

    Parameters
    ----------
    most
        How often something may happen in a minute, for each key.
    clock
        Gives seconds.
    """

    def __init__(self, most: int, clock: Callable[[], float] = monotonic) -> None:
        self._most = most
        self._clock = clock
        self._lock = Lock()
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def check(self, key: str) -> None:
        """Let something happen.

        Raises
        ------
        TooOftenError
            If it happened too often in the last minute.
        """
        with self._lock:
            times = self._recent(key)
            if len(times) >= self._most:
                wait = max(1, round(WINDOW - (self._clock() - times[0])))
                raise TooOftenError(f"more than {self._most} in a minute", seconds=wait)

    def count(self, key: str) -> None:
        """Note that it happened."""
        with self._lock:
            times = self._recent(key)
            times.append(self._clock())
            self._times[key] = times
            self._times.move_to_end(key)
            while len(self._times) > MOST_KEYS:
                self._times.popitem(last=False)

    def _recent(self, key: str) -> deque[float]:
        times = self._times.get(key, deque(maxlen=self._most))
        oldest = self._clock() - WINDOW
        while times and times[0] <= oldest:
            times.popleft()
        return times
