"""Several processes that do the same work, and the one that looks after them."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = (signal.SIGTERM, signal.SIGINT)
SOON = 1.0
"""Seconds after which one that ended at once is started again."""
PR_SET_PDEATHSIG = 1
"""As in Linux's ``prctl.h``."""

Work = Callable[[int], None]
log = logging.getLogger("vopub.odc")


def work_together(number: int, work: Work, lost: Work) -> None:
    """Do some work in several processes, until asked to stop by SIGTERM or SIGINT.

    One that ends by itself is started again. If this process is killed, all are.

    Parameters
    ----------
    number
        Of processes.
    work
        Called in each with its number, from 0; ends with ``SystemExit`` when it gets SIGTERM.
    lost
        Called here with the number of one that ended by itself, before it is started again.
    """
    crew = _Crew(number, work)
    with crew.signals_held():
        for each in range(number):
            crew.start(each)
    while (ended := crew.wait()) is not None:
        lost(ended)
        crew.start_again(ended)


class _Crew:
    def __init__(self, number: int, work: Work) -> None:
        self._work = work
        self._numbers: dict[int, int] = {}
        self._started = [0.0] * number
        self._stopping = False
        for each in STOPPING:
            signal.signal(each, self._stop)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True
        for process in self._numbers:
            os.kill(process, signal.SIGTERM)

    @contextmanager
    def signals_held(self) -> Iterator[None]:
        """Let signals wait, so that none finds a process that is not noted yet."""
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)

    def start(self, number: int) -> None:
        """Start one; signals are held."""
        parent = os.getpid()
        self._started[number] = time.monotonic()
        process = os.fork()
        if process:
            self._numbers[process] = number
            return
        code = 1
        try:
            _die_with(parent)
            for each in STOPPING:
                signal.signal(each, _leave)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
            self._work(number)
            code = 0
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 1
        except BaseException:
            log.exception("a process of the service failed")
        finally:
            # What its parent has open or has yet to do is not this one's to end.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def start_again(self, number: int) -> None:
        """Start one that ended, a little later if it ended at once."""
        time.sleep(max(0.0, self._started[number] + SOON - time.monotonic()))
        with self.signals_held():
            if not self._stopping:
                self.start(number)

    def wait(self) -> int | None:
        """Wait until one ends by itself; None once all have ended that were asked to."""
        while self._numbers:
            process, status = os.wait()
            number = self._numbers.pop(process, None)
            if number is not None and not self._stopping:
                code = os.waitstatus_to_exitcode(status)
                log.error("process %d of the service ended with %d; it is started anew",
                          process, code)  # fmt: skip
                return number
        return None


def _die_with(parent: int) -> None:
    """Be killed when the parent is."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it is gone already
        os._exit(1)


def _leave(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)
