"""Who does the tasks: this process, processes on this machine, or a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

from vopub.errors import VopubError
from vopub.events.scale.tally import Step, Steps, unheard

if TYPE_CHECKING:
    from vopub.events.scale.parts import Part

Task: TypeAlias = "Callable[[Path, Step], Part]"
"""What is done to each file, telling how far it is; can be pickled."""
Result: TypeAlias = "tuple[int, Part | VopubError]"
"""The number of a file, and what it gave or why it gave nothing."""


class Workers(Protocol):
    """Does tasks, in any order."""

    def run(self, task: Task, paths: Sequence[Path], tell: Steps = unheard) -> Iterator[Result]:
        """Do a task to every file; yield each result when it is there.

        Parameters
        ----------
        task
            What to do.
        paths
            The files.
        tell
            Is told how far files are, from any thread, maybe late.

        Raises
        ------
        ServiceError
            If nobody is there to do it.
        """


RETRIES = 2
"""How often a file that failed is tried again, if possible by another worker."""


class Here:
    """Does one task after the other in this process."""

    def run(self, task: Task, paths: Sequence[Path], tell: Steps = unheard) -> Iterator[Result]:
        """Do a task to every file; see `Workers`."""
        for number, path in enumerate(paths):
            yield number, tried(task, path, partial(tell, number))


def tried(task: Task, path: Path, tell: Step) -> Part | VopubError:
    """Do a task to a file, again if it fails; return what it gave or why it gave nothing."""
    for _ in range(RETRIES):
        try:
            return task(path, tell)
        except VopubError:
            continue  # what storage over a network did once, it may not do again
    try:
        return task(path, tell)
    except VopubError as error:
        return error
