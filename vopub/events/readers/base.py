"""What every reader of level-2 files gives, whatever the layout of the file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from vopub.events.identifiers import IDENTITY, spelled
from vopub.events.tracks import Tracks
from vopub.model.catalogue import known_parameters
from vopub.model.data_taking import Run
from vopub.model.event_table import Column
from vopub.model.provenance import PriorStep

EVENT_FIELDS = (
    "event_number", "detector_id", "run_id", "frame_index", "trigger_counter", "trigger_mask",
    "overlays", "t_sec", "t_ns",
)  # fmt: skip
"""Quantities an event has once; all are integers."""
TRACK_FIELDS = (
    "dir_x", "dir_y", "dir_z", "t", "energy", "length", "likelihood", "rec_type", "rec_stages",
    "fitinf",
)  # fmt: skip
"""Quantities every track of an event has; ``rec_stages`` and ``fitinf`` are lists."""


@dataclass(frozen=True)
class EventChunk:
    """Consecutive events of one file.

    Parameters
    ----------
    events
        One array of length n per name in `EVENT_FIELDS`, as far as the layout has them. ``t_sec``
        and ``t_ns`` are the time of the event (UTC) in seconds since 1970 and the nanoseconds to
        add; without them, nothing that needs the time is known.
    tracks
        The reconstructed tracks of the n events.
    values
        Further quantities of the events by the name of their known parameter and in its unit,
        e.g. weights and true values of simulated events; arrays of length n.
    identifiers
        The names of the n events, for layouts that say nothing of detector, run, frame and trigger
        counter; None if the events are named after those, which are then all in ``events``.
    """

    events: Mapping[str, NDArray[np.integer[Any]]]
    tracks: Tracks
    values: Mapping[str, Column] = field(default_factory=dict)
    identifiers: NDArray[np.object_] | None = None

    def __len__(self) -> int:
        return len(self.events["run_id"] if self.identifiers is None else self.identifiers)

    def names(self) -> NDArray[np.object_]:
        """Return the names of the events, unchecked: they may be none that can be published."""
        if self.identifiers is not None:
            return self.identifiers
        return spelled(*(self.events[part] for part in IDENTITY))


@dataclass(frozen=True)
class FileHeader:
    """What a file says about itself."""

    name: str
    """File name without any directory."""
    layout: str
    """Name of the layout, e.g. ``KM3NeT DST``."""
    uuid: UUID | None
    """The identifier that the file carries in itself."""
    runs: tuple[Run, ...]
    """The runs in the file, as far as it tells."""
    simulated: bool | None
    """Whether the events are simulated; None if the file does not tell."""
    history: tuple[PriorStep, ...] = ()
    """What the file itself says was done before, oldest first; see `vopub.events.history`."""
    lacks: frozenset[str] = frozenset()
    """Known parameters that no event of this file can have, since the layout does not say them."""
    detector: str = ""
    """Name that the file gives its detector, e.g. ``D_ORCA006``; empty if it gives none."""


def all_but(given: Iterable[str]) -> frozenset[str]:
    """Return the known parameters but those that a layout gives, for `FileHeader.lacks`."""
    return frozenset(known_parameters()) - frozenset(given)


@contextmanager
def closed_if_refused(close: Callable[[], object]) -> Iterator[None]:
    """Close a file if what is done here fails: nobody has the reader then that would."""
    with ExitStack() as stack:
        stack.callback(close)
        yield
        stack.pop_all()


class Reader(ABC):
    """An open level-2 file.

    Readers are subclasses; they implement what is abstract here, and `close` if a file stays open.

    Parameters
    ----------
    path
        The file, which the reader recognised.

    Raises
    ------
    InputError
        If it is damaged or lacks something.
    """

    @abstractmethod
    def __init__(self, path: Path) -> None: ...

    @classmethod
    @abstractmethod
    def recognises(cls, path: Path, beginning: bytes) -> bool:
        """Tell whether a file has the layout that this reader reads.

        Parameters
        ----------
        path
            The file; it is not empty. Its name says nothing.
        beginning
            Its first bytes, at most 4096.
        """

    @property
    @abstractmethod
    def header(self) -> FileHeader:
        """What the file says about itself."""

    @property
    @abstractmethod
    def entries(self) -> int:
        """Number of events."""

    @abstractmethod
    def chunks(self, rows: int) -> Iterator[EventChunk]:
        """Yield all events in order, at most ``rows`` at a time.

        Raises
        ------
        InputError
            If the file is damaged.
        """

    def find_summaries(self) -> Mapping[str, tuple[str, ...]]:
        """Look for what a file says of events beside the catalogue; most have none.

        It is looked for when it is asked for, since that takes longer than reading some events;
        the chunks that are read thereafter have it among their values.

        Returns
        -------
        mapping
            Names as `vopub.model.summaries` has them, by what they begin with.

        Raises
        ------
        InputError
            If it is damaged, or not of the same events.
        """
        return {}

    def in_one_pass(self, rows: int) -> Iterator[EventChunk]:
        """Yield the same as `chunks`, reading every byte once, if the file is as it should be.

        Until the last chunk was taken, `header` tells what was read so far. The tracks and values
        of a chunk have to be taken before the next chunk. A reader that has to look through a file
        before it can give chunks of it overrides this.

        Raises
        ------
        InputError
            If the file, chunks or what they hold may be other than they should be. What was
            yielded is then worth nothing; `chunks` of a reader opened anew tells what is wrong, or
            knows better.
        """
        return self.chunks(rows)

    def close(self) -> None:  # noqa: B027
        """Close what stays open between chunks."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
