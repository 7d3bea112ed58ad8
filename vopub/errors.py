"""The tree of errors that vopub raises.

::

    VopubError                     exit code 1
    ├── DescriptionError           a resource.toml or vopub.toml with problems, all of them
    ├── InputError                 a level-2 file or an event in it that cannot be used
    ├── SelectionError             a selection that cannot be read or keeps nothing
    ├── TableError                 an event table that breaks its own description
    ├── FileError                  a file that cannot be read, written or trusted
    ├── BusyError                  another vopub holds the lock, or a port is taken
    ├── UsageError                 exit code 2: the command line
    ├── ServiceError               exit code 3: another program or a server failed
    │   ├── MissingProgramError    … because it is not installed
    │   └── UnreachableError       … because it does not answer; trying later may help
    ├── ProofError                 exit code 4: done, but the proof failed
    └── SeveralError              the highest exit code of its errors

Each carries what is wrong, where, and what to do; the message is one line.
"""

from __future__ import annotations

import difflib
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


def nearest(name: str, known: Iterable[str], *, most: int = 3) -> list[str]:
    """Return the known names closest to a misspelt one, best first."""
    return difflib.get_close_matches(name, list(known), n=most, cutoff=0.5)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint naming the nearest known names, or all of them if none is near."""
    names = sorted(known)
    close = nearest(name, names)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"known are: {', '.join(names)}"


class VopubError(Exception):
    """Something the user has to know about, without a traceback.

    Parameters
    ----------
    what
        What is wrong, with the offending value.
    where
        File, and place in it, that it is wrong in.
    hint
        What to do about it.
    """

    exit_code: int = 1

    def __init__(self, what: str, *, where: object = None, hint: str = "") -> None:
        self.what = what
        self.where = "" if where is None else str(where)
        self.hint = hint
        super().__init__(what)

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.what}" + (f"; {self.hint}" if self.hint else "")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a description: where, what, and what to do."""

    place: str
    """Dotted path of the key, e.g. ``events.selection.0.keep``."""
    what: str
    """What is wrong, with the value."""
    hint: str = ""
    """What to do, e.g. the nearest valid names."""

    def __str__(self) -> str:
        place = f"{self.place}: " if self.place else ""
        return f"{place}{self.what}" + (f"; {self.hint}" if self.hint else "")


class DescriptionError(VopubError):
    """A description with problems; all of them are reported at once."""

    def __init__(self, problems: Sequence[Problem], *, where: object = None) -> None:
        self.problems = tuple(problems)
        noun = "problem" if len(self.problems) == 1 else "problems"
        super().__init__(f"{len(self.problems)} {noun}", where=where)

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return "\n".join(f"{place}{problem}" for problem in self.problems)


class InputError(VopubError):
    """A level-2 file, or something in it, that cannot be used."""


class SelectionError(VopubError):
    """A selection that cannot be read, or that keeps no event."""


class TableError(VopubError):
    """An event table that breaks its own description."""


class FileError(VopubError):
    """A file that cannot be read, written or trusted."""


class BusyError(VopubError):
    """Another process holds what this one needs (the lock, a port)."""


class UsageError(VopubError):
    """The command line asks for something that does not exist."""

    exit_code = 2


class ServiceError(VopubError):
    """Another program or a server failed."""

    exit_code = 3

    @classmethod
    def from_process(
        cls, done: subprocess.CompletedProcess[str], *, hint: str = "", lines: int = 6
    ) -> ServiceError:
        """Make an error of a program's run, keeping the last lines it printed."""
        said = [*done.stdout.splitlines(), *done.stderr.splitlines()]
        tail = " | ".join(line.strip() for line in said if line.strip())[-lines * 200 :]
        program = " ".join(str(part) for part in done.args[:3])
        return cls(f"{program} ended with code {done.returncode}: {tail or 'no output'}", hint=hint)


class MissingProgramError(ServiceError):
    """A program that vopub drives is not installed."""


class UnreachableError(ServiceError):
    """A server that does not answer, or says that it cannot now: trying later may help."""


class ProofError(VopubError):
    """The work is finished, but what it should have brought about is not there."""

    exit_code = 4


class SeveralError(VopubError):
    """Errors of several resources, of which each was tried."""

    def __init__(self, errors: Sequence[VopubError]) -> None:
        self.errors = tuple(errors)
        self.exit_code = max(error.exit_code for error in errors)
        super().__init__(f"{len(errors)} resources failed")

    def __str__(self) -> str:
        return "\n".join(map(str, self.errors))
