"""A DaCHS that has been imported and waits for commands, so that not each has to import it.

That takes most of the time of a ``dachs`` command, and a publication runs eight of them. Where
several follow each other, they are run `with` a `ready` DaCHS; see `vopub.vo.commands`.
"""

from __future__ import annotations

import json
import select
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from importlib.resources import files
from pathlib import Path

from vopub.errors import ServiceError
from vopub.model.server import DachsServer
from vopub.process import environment, find_program, run, service_account

PACKAGE = "python3-gavo"
START_PATIENCE = 60.0
"""Seconds that importing DaCHS may take; if it takes longer, each command does it on its own."""

Done = subprocess.CompletedProcess[str]


@contextmanager
def ready(server: DachsServer) -> Iterator[None]:
    """Let the commands for one DaCHS that follow, in this thread, share one import of it.

    Within another one for the same DaCHS this does nothing.
    """
    outer = _READY.get()
    if outer is not None and outer.server == server:
        yield
        return
    helper = _Helper(server)
    before = _READY.set(helper)
    try:
        yield
    finally:
        _READY.reset(before)
        helper.end()


def run_dachs(
    server: DachsServer, *arguments: str, inputs: Path | None = None, timeout: float = 600
) -> Done:
    """Run a ``dachs`` command to its end and return what it printed.

    Parameters
    ----------
    server
        For which DaCHS.
    arguments
        What follows ``dachs``.
    inputs
        Another directory to find resource directories in, instead of the server's.
    timeout
        Seconds that it may take.

    Raises
    ------
    MissingProgramError
        If DaCHS is not installed.
    ServiceError
        If it cannot be started or does not end in time.
    """
    place = inputs or server.inputs
    helper = _READY.get()
    if helper is not None and helper.server == server:
        done = helper.run(arguments, place, timeout)
        if done is not None:
            return done
    command = [_program(), *arguments]
    return run([*_guard(), *command], extra=_variables(server, place), timeout=timeout)


class _Helper:
    """A process that runs commands of DaCHS, which is started with the first of them."""

    def __init__(self, server: DachsServer) -> None:
        self.server = server
        self._process: subprocess.Popen[bytes] | None = None
        self._is_of_use = True

    def run(self, arguments: Sequence[str], inputs: Path, timeout: float) -> Done | None:
        """Run a command; None if it has to be run in another way."""
        if not self._begin({"arguments": list(arguments), "inputs": str(inputs)}):
            return None
        said = self._heard(timeout)
        if said is None:
            self.end()
            raise ServiceError(f"dachs {arguments[0]} did not end within {timeout:.0f} s")
        command = ["dachs", *arguments]
        try:
            code, out, err = json.loads(said)
        except ValueError:  # it was killed
            return subprocess.CompletedProcess(command, self.end(), "", "")
        return subprocess.CompletedProcess(command, code, out, err)

    def _begin(self, asked: Mapping[str, object]) -> bool:
        """Let a command begin; tell whether it did."""
        for _ in range(2):  # the process may have been killed since the last command
            if self._process is None:
                self._is_of_use = self._is_of_use and self._start()
            if not self._is_of_use:
                return False
            self._say(json.dumps(asked))
            if self._heard(START_PATIENCE) == "begun":
                return True
            self.end()
        return False

    def end(self) -> int:
        """End the process, and with it a command that it may be running; return its code."""
        process, self._process = self._process, None
        if process is None:
            return 0
        with process:
            process.kill()
        return process.returncode

    def _start(self) -> bool:
        """Start the process; tell whether it is of use."""
        python = _python_of(_program())
        if not python:
            return False
        account = service_account()
        source = files("vopub.vo").joinpath("commands.py").read_text(encoding="utf-8")
        try:
            self._process = subprocess.Popen(
                [*_guard(), *python, "-c", source], cwd="/", bufsize=0, stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                env=environment(account, _variables(self.server, self.server.inputs)),
                user=account.switch_uid, group=account.switch_gid,
                extra_groups=account.switch_groups,
            )  # fmt: skip
        except OSError:
            return False
        if self._heard(START_PATIENCE) == "ready":
            return True
        self.end()
        return False

    def _say(self, line: str) -> None:
        if self._process is not None and self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.write(f"{line}\n".encode("ascii"))

    def _heard(self, patience: float) -> str | None:
        """Return the line that comes; empty if the process ended, None if none comes in time."""
        if self._process is None or self._process.stdout is None:
            return ""
        if not select.select([self._process.stdout], [], [], patience)[0]:
            return None
        return self._process.stdout.readline().decode("ascii").rstrip("\n")


_READY: ContextVar[_Helper | None] = ContextVar("ready", default=None)


def _program() -> str:
    return find_program("dachs", package=PACKAGE)


def _guard() -> list[str]:
    # Killed with vopub, DaCHS leaves its transaction open and PostgreSQL takes it back.
    return [find_program("setpriv", package="util-linux"), "--pdeathsig", "KILL"]


def _variables(server: DachsServer, inputs: Path) -> Mapping[str, str]:
    return {
        "GAVOSETTINGS": str(server.settings_file),
        "GAVOCUSTOM": "/dev/null",  # not what is in the user's ~/.gavorc
        "GAVO_INPUTSDIR": str(inputs),
    }


def _python_of(program: str) -> list[str]:
    """Return the command that a program begins with if that is Python's; else nothing."""
    try:
        with Path(program).open("rb") as stream:
            first = stream.readline(200).decode(errors="replace")
    except OSError:
        return []
    words = first.removeprefix("#!").split()
    return words if first.startswith("#!") and "python" in first else []
