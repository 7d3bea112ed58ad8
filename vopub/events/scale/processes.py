"""Tasks in processes on this machine."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Thread, Timer
from time import monotonic
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from vopub.errors import InputError, ServiceError, VopubError
from vopub.events.readers import may_crash
from vopub.events.scale.tally import Step, Steps, unheard
from vopub.events.scale.workers import RETRIES, Here, Result, Task, tried

if TYPE_CHECKING:
    from vopub.events.scale.parts import Part

LITTLE = 48 << 20
"""Fewer bytes than this are read by one process sooner than others are started."""
QUEUED = 2
"""How many files are handed out for each process: the one that it reads, and the next."""
TELL_SECONDS = 0.5
"""How often a process tells how far its file is; what is done sooner tells nothing."""
GARBAGE = 20_000
"""How many objects there are to be more before a process looks for garbage."""
GRACE = 10.0
"""How many seconds a process has to remove what it has half done, once it is to end."""

T = TypeVar("T")


def local_cores() -> int:
    """Return how many cores of this machine the process may use."""
    return len(os.sched_getaffinity(0))


@dataclass(frozen=True, slots=True)
class LocalWorkers:
    """Processes on this machine, started for the work; this process alone if there is little.

    Files that may end the process that reads them are never read by this one.

    Parameters
    ----------
    processes
        How many; None for all cores, or one if there is little to do.
    """

    processes: int | None = None

    def run(self, task: Task, paths: Sequence[Path], tell: Steps = unheard) -> Iterator[Result]:
        """Do a task to every file; see `vopub.events.scale.workers.Workers`.

        Raises
        ------
        ServiceError
            If processes cannot be started.
        """
        little = self.processes is None and _bytes_of(paths) < LITTLE
        processes = 1 if little else min(self.processes or local_cores(), len(paths))
        if processes < 2 and not any(map(may_crash, paths)):
            yield from Here().run(task, paths, tell)
        else:
            yield from _run(processes, task, paths, tell)


def apart(function: Callable[[Path], T], path: Path) -> T:
    """Call a function that reads a file; in a process of its own if reading may end that.

    Parameters
    ----------
    function
        Can be pickled, as what it returns and raises.
    path
        The file.

    Raises
    ------
    InputError
        If the process that read it died.
    ServiceError
        If no process can be started.
    """
    if not may_crash(path):
        return function(path)
    with _processes(1, partial(_called, function), unheard) as pool:
        for _, result in pool.do([(0, path)]):
            if result is not None:
                (value,) = result
                return value
    raise _deadly(path)


def _called(function: Callable[[Path], T], path: Path, tell: Step) -> tuple[T]:
    """Call a function as a task that gives something."""
    del tell
    return (function(path),)


def _bytes_of(paths: Sequence[Path]) -> int:
    return sum(path.stat().st_size for path in paths if path.exists())


def _run(processes: int, task: Task, paths: Sequence[Path], tell: Steps) -> Iterator[Result]:
    """Do a task to every file; yield what comes back.

    When a process dies, the others of its pool end with it. What they had is done again at the end,
    one file after the other, so that only those are blamed that kill a process alone.
    """
    suspects = []
    with _processes(processes, partial(tried, task), tell) as pool:
        for number, result in pool.do(list(enumerate(paths))):
            if result is None:
                suspects.append(number)
            else:
                yield number, result
    for number in suspects:
        yield number, _alone(task, number, paths[number], tell)


def _alone(task: Task, number: int, path: Path, tell: Steps) -> Part | VopubError:
    """Do a task to one file in a process, and again if that dies."""
    with _processes(1, partial(tried, task), tell) as pool:
        for _ in range(RETRIES):
            for _, result in pool.do([(number, path)]):
                if result is not None:
                    return result
    return _deadly(path)


def _deadly(path: Path) -> InputError:
    hint = "it is damaged, or needs more memory than there is; copy it again from where it came"
    return InputError("every process that read it died", where=path, hint=hint)


@contextmanager
def _processes(number: int, doing: Callable[..., T], tell: Steps) -> Iterator[_Pool[T]]:
    """Give processes that do one thing to files; if something fails, what they do is stopped."""
    context = multiprocessing.get_context("spawn")
    with _starting():
        resource_tracker.ensure_running()  # else the first process starts it, which lifts the mask
        told, (end, running) = context.Pipe(duplex=False), context.Pipe(duplex=False)
    with _heard(told, tell) as telling, end:
        pool: _Pool[T] = _Pool(number, partial(_prepare, doing, telling, end))
        try:
            yield pool
        except BaseException:
            running.close()
            raise
        finally:
            pool.close()
            running.close()


class _Pool(Generic[T]):
    """Processes that do one thing to files; when they die, others take their place."""

    def __init__(self, number: int, prepare: Callable[[], None]) -> None:
        self._number = number
        self._prepare = prepare
        self._executor = self._start()

    def do(self, files: Sequence[tuple[int, Path]]) -> Iterator[tuple[int, T | None]]:
        """Hand out files, so many at a time; yield what comes back, None if processes died of one.

        What a process raised is raised here.
        """
        waiting = iter(files)
        coming: dict[Future[T], int] = {}
        while True:
            for number, path in islice(waiting, self._number * QUEUED - len(coming)):
                coming[self._submit(number, path)] = number
            if not coming:
                return
            for future in wait(coming, return_when=FIRST_COMPLETED).done:
                yield coming.pop(future), _result(future)

    def close(self) -> None:
        """Wait until the processes have ended."""
        self._executor.shutdown(cancel_futures=True)

    def _start(self) -> ProcessPoolExecutor:
        with _starting():
            return ProcessPoolExecutor(
                self._number, multiprocessing.get_context("spawn"), self._prepare
            )

    def _submit(self, number: int, path: Path) -> Future[T]:
        with _without_interrupts(), _starting():
            try:
                return self._executor.submit(_do, number, path)
            except BrokenProcessPool:
                self.close()
                self._executor = self._start()
                return self._executor.submit(_do, number, path)


def _result(future: Future[T]) -> T | None:
    try:
        return future.result()
    except BrokenProcessPool:
        return None


@contextmanager
def _starting() -> Iterator[None]:
    """Say in a line why processes could not be started, and what to look at."""
    try:
        yield
    except (OSError, ImportError, NotImplementedError) as error:
        what = f"other processes cannot be started ({error})"
        hint = "check that /dev/shm can be written, and how many processes the user may have"
        raise ServiceError(what, where="this machine", hint=hint) from error


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Keep Ctrl-C from the threads and processes that are started meanwhile.

    A terminal sends it to all processes at once; only the one that started the others is to act,
    and ends them. What comes meanwhile is delivered afterwards.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _heard(pipe: tuple[Connection, Connection], tell: Steps) -> Iterator[Connection]:
    """Let what processes tell of their files be heard here; give what they tell it through."""
    heard, telling = pipe

    def listen() -> None:
        while step := heard.recv():
            tell(*step)

    listener = Thread(target=listen, name="vopub-listener", daemon=True)
    with heard, telling:
        listener.start()
        try:
            yield telling
        finally:
            telling.send(None)
            listener.join()


# What follows happens in the processes that were started.

_there: dict[str, Any] = {}
"""What a process was given when it was started."""


def _prepare(doing: Callable[..., object], telling: Connection, end: Connection) -> None:
    """Take what to do, and care for an end without remains."""
    _there.update(doing=doing, telling=telling)
    signal.signal(signal.SIGTERM, _leave)
    Thread(target=_watch, args=(end,), daemon=True).start()


def _watch(end: Connection) -> None:
    """End this process when whoever started it does not want it any more, or was killed."""
    end.poll(None)
    os.kill(os.getpid(), signal.SIGTERM)


def _leave(*_: object) -> None:
    """Leave what is done, so that what is half written is removed; but do not take long."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the pool may send it, too
    late = Timer(GRACE, os._exit, (1,))
    late.daemon = True
    late.start()
    sys.exit(1)


def _do(number: int, path: Path) -> Any:
    """Do what this process is for to the file of a number."""
    told = monotonic()

    def tell(events: int, entries: int) -> None:
        nonlocal told
        if monotonic() - told >= TELL_SECONDS:
            told = monotonic()
            # A few bytes at once, so that what several processes tell is not mixed.
            _there["telling"].send((number, events, entries))

    try:
        result = _there["doing"](path, tell)
    except SystemExit:
        os._exit(1)  # the executor would take it for a result
    if not gc.get_freeze_count():
        _settle()
    return result


def _settle() -> None:
    """Let what was loaded for the first file out of the search for garbage.

    A ROOT file is some ten thousand objects, for which all the modules were looked through several
    times: a fifth of the time of a small file.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE)
