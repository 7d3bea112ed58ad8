"""Several processes that do the same work, and the one that looks after them."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

STOPPING = (signal.SIGTERM, signal.SIGINT)
SOON = 1.0
"""Seconds after which one that ended at once is started again."""
PR_SET_PDEATHSIG = 1
"""As in Linux's ``prctl.h``."""

Work = Callable[[int], None]
log = logging.getLogger("vopub.odc")


class Crew:
    """Processes that do the same work until this one is asked to stop by SIGTERM or SIGINT.

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

    def __init__(self, number: int, work: Work, lost: Work) -> None:
        self._work = work
        self._lost = lost
        self._numbers: dict[int, int] = {}
        self._started = [0.0] * number
        self._stopping = False

    def start(self) -> None:
        """Start all; from now on this process stops when it is asked to."""
        for each in STOPPING:
            signal.signal(each, self._stop)
        for number in range(len(self._started)):
            self._start(number)

    def look_after(self) -> None:
        """Start again what ends, until all have ended that were asked to stop."""
        while self._numbers:
            process, status = os.wait()
            number = self._numbers.pop(process, None)
            if number is not None and not self._stopping:
                code = os.waitstatus_to_exitcode(status)
                log.error("process %d of the service ended with %d; it is started anew",
                          process, code)  # fmt: skip
                self._lost(number)
                # A little later if it ended at once.
                time.sleep(max(0.0, self._started[number] + SOON - time.monotonic()))
                self._start(number)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True
        for process in self._numbers:
            os.kill(process, signal.SIGTERM)

    def _start(self, number: int) -> None:
        # Signals wait, so that none finds a process that is not noted yet.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        try:
            if self._stopping:
                return
            parent = os.getpid()
            self._started[number] = time.monotonic()
            process = os.fork()
            if not process:
                self._do(number, parent)
            self._numbers[process] = number
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)

    def _do(self, number: int, parent: int) -> NoReturn:
        """Work, in a process of its own, and end it."""
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


def _die_with(parent: int) -> None:
    """Be killed when the parent is."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it is gone already
        os._exit(1)


def _leave(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)
