"""Tasks on the workers of a Dask scheduler, wherever they are."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from vopub import __version__
from vopub.errors import InputError, ServiceError, VopubError
from vopub.events.scale.tally import Steps, unheard
from vopub.events.scale.workers import RETRIES, Result, Task

if TYPE_CHECKING:
    from distributed import Client

    from vopub.events.scale.parts import Part

QUEUED = 4
"""How many files are handed out for each one that is being read: the rest waits here."""
TELL_SECONDS = 0.5
"""How often a worker tells how far its file is; what is done sooner tells nothing."""
PATIENCE = 300.0
"""How many seconds to wait for the first worker of a scheduler."""
_LOGGERS = ("distributed", "bokeh", "tornado.application", "asyncio")


@dataclass(frozen=True, slots=True)
class Scheduler:
    """The workers of an existing Dask scheduler.

    Parameters
    ----------
    address
        ``tcp://host:port``, or ``tls://host:port`` with the certificates of Dask's configuration.
    """

    address: str

    def run(self, task: Task, paths: Sequence[Path], tell: Steps = unheard) -> Iterator[Result]:
        """Do a task to every file; see `vopub.events.scale.workers.Workers`.

        Raises
        ------
        ServiceError
            If the scheduler does not answer, has no worker, or workers have another vopub.
        """
        if not paths:
            return
        with _quiet(), self._client() as client:
            self._check(client)
            with _heard(client, task, tell) as telling:
                yield from _run(client, telling, [path.absolute() for path in paths])

    @contextmanager
    def _client(self) -> Iterator[Client]:
        # Imported here: it takes a second that runs without a cluster need not wait.
        from distributed import Client  # noqa: PLC0415

        hint = "check the address, and that the scheduler runs there"
        try:
            client = Client(self.address, set_as_default=False, timeout=10)
        except (OSError, ValueError, TypeError) as error:
            what = f"the Dask scheduler does not answer ({error})"
            raise ServiceError(what, where=self.address, hint=hint) from error
        with client:
            yield client

    def _check(self, client: Client) -> None:
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
            versions = client.run(_version)
        except TimeoutError as error:
            what = f"the Dask scheduler has no worker after {PATIENCE:.0f} s"
            raise ServiceError(what, where=self.address, hint="start workers") from error
        except ImportError as error:
            what = f"its workers cannot import vopub ({error})"
            hint = "start them in an environment with the same version of vopub"
            raise ServiceError(what, where=self.address, hint=hint) from error
        others = {worker: found for worker, found in versions.items() if found != __version__}
        for worker, found in others.items():
            what = f"worker {worker} has vopub {found}, this is {__version__}"
            raise ServiceError(what, where=self.address, hint="use the same version everywhere")


def _version() -> str:
    return __version__


@dataclass(frozen=True, slots=True)
class _Telling:
    """A task on a worker that tells those who wait how far it is."""

    task: Task
    topic: str

    def __call__(self, path: Path, number: int) -> Part:
        """Do the task to the file of a number."""
        from distributed import get_worker  # noqa: PLC0415

        worker, told = get_worker(), monotonic()

        def tell(events: int, entries: int) -> None:
            nonlocal told
            if monotonic() - told >= TELL_SECONDS:
                told = monotonic()
                worker.log_event(self.topic, (number, events, entries))

        return self.task(path, tell)


@contextmanager
def _heard(client: Client, task: Task, tell: Steps) -> Iterator[_Telling]:
    """Let what workers tell of their files be heard here."""
    topic = f"vopub-{client.id}"

    def hear(event: tuple[float, tuple[int, int, int]]) -> None:
        tell(*event[1])

    client.subscribe_topic(topic, hear)
    try:
        yield _Telling(task, topic)
    finally:
        client.unsubscribe_topic(topic)


def _run(client: Client, task: _Telling, paths: Sequence[Path]) -> Iterator[Result]:
    """Do a task to every file; yield what comes back.

    When a worker dies, Dask suspects every file that it had, read or not. Those are done again at
    the end, one after the other, so that only those are blamed that kill a worker alone.
    """
    suspects = []
    for number, result in _hand_out(client, task, list(enumerate(paths)), _capacity):
        if result is None:
            suspects.append((number, paths[number]))
        else:
            yield number, result
    for number, result in _hand_out(client, task, suspects, lambda _: 1):
        yield number, result or _deadly(paths[number])


def _hand_out(
    client: Client,
    task: _Telling,
    files: Sequence[tuple[int, Path]],
    capacity: Callable[[Client], int],
) -> Iterator[tuple[int, Part | VopubError | None]]:
    """Hand out files, so many at a time; yield what comes back, None if workers died of one."""
    from distributed import as_completed  # noqa: PLC0415

    waiting = iter(files)
    numbers: dict[object, int] = {}
    coming: Any = as_completed(loop=client.loop)

    def fill() -> None:
        room = capacity(client) - len(numbers)
        for number, path in islice(waiting, max(room, 0)):
            future = client.submit(task, path, number, pure=False, retries=RETRIES)
            numbers[future.key] = number
            coming.add(future)

    fill()
    for future in coming:
        number = numbers.pop(future.key)
        result = _result(future)
        future.release()
        fill()
        yield number, result


def _capacity(client: Client) -> int:
    threads: int = sum(client.nthreads().values())
    return QUEUED * max(1, threads)


def _result(future: Any) -> Part | VopubError | None:
    """Return what became of a file, None if workers died; what nobody foresaw is raised."""
    from distributed.scheduler import KilledWorker  # noqa: PLC0415

    error = None if future.status == "finished" else future.exception()
    match error:
        case None:
            part: Part = future.result()
            return part
        case VopubError():
            return error
        case KilledWorker():
            return None
        case _:
            raise error


def _deadly(path: Path) -> InputError:
    hint = "it may need more memory than a worker has; try it alone, without --scheduler"
    return InputError("every worker that read it died", where=path, hint=hint)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what Dask says of itself off the screen: results tell what matters."""
    before = {name: logging.getLogger(name).level for name in _LOGGERS}
    try:
        for name in _LOGGERS:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="distributed")
            yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
