"""The cut flow: how many events entered each step and how many were left after it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from vopub.model.event_table import NOT_IN_LIST, EventAccount, Excluded, FileAccount


class StepKind(StrEnum):
    """Why a step leaves out events."""

    RECONSTRUCTION = "reconstruction"
    MALFORMED = "malformed"
    CUT = "cut"
    REPEATED = "repeated"


@dataclass(frozen=True, slots=True)
class Step:
    """One step, in the order in which they were taken."""

    name: str
    kind: StepKind
    entered: int
    """How many events came to it."""
    left: int
    """How many went on."""

    @property
    def out(self) -> int:
        """How many it left out."""
        return self.entered - self.left


def steps_of(account: EventAccount) -> tuple[Step, ...]:
    """Return the steps from the events read to those kept.

    All defects are one step, since an event counts for the first that is found; that events are
    repeated is a step only if any is.
    """
    steps: list[Step] = []
    entered = account.read
    for name, kind, entries in _taken(account):
        left = entered - sum(entry.events for entry in entries)
        steps.append(Step(name, kind, entered, left))
        entered = left
    return tuple(steps)


def _taken(account: EventAccount) -> Iterator[tuple[str, StepKind, Iterable[Excluded]]]:
    first = [cut for cut in account.cuts if cut.reason == NOT_IN_LIST]
    others = [cut for cut in account.cuts if cut.reason != NOT_IN_LIST]
    yield from ((cut.reason, StepKind.CUT, [cut]) for cut in first)
    unreconstructed = account.not_reconstructed
    yield unreconstructed.reason, StepKind.RECONSTRUCTION, [unreconstructed]
    yield "malformed", StepKind.MALFORMED, account.malformed
    yield from ((cut.reason, StepKind.CUT, [cut]) for cut in others)
    if account.repeated.events:
        yield account.repeated.reason, StepKind.REPEATED, [account.repeated]


def cut_flow_text(account: EventAccount) -> str:
    """Return the cut flow as a table in plain text, for a terminal or a page."""
    rows = [("step", "entered", "left out", "left")]
    rows += [(s.name, str(s.entered), str(s.out), str(s.left)) for s in steps_of(account)]
    return _aligned(rows)


def file_flow_text(files: Sequence[FileAccount]) -> str:
    """Return how many events of each file each step left out, as a table in plain text.

    The columns are numbered, and the numbers explained below, since names of steps are long.
    """
    flows = [steps_of(file.account) for file in files]
    names = list(dict.fromkeys(step.name for steps in flows for step in steps))
    rows = [("file", "read", *(f"-{n}" for n in range(1, len(names) + 1)), "kept")]
    for file, steps in zip(files, flows, strict=True):
        out = {step.name: step.out for step in steps}
        taken = (str(out.get(name, 0)) for name in names)
        rows.append((file.name, str(file.account.read), *taken, str(file.account.kept)))
    return "\n".join([_aligned(rows), *(f"-{n}: {name}" for n, name in enumerate(names, 1))])


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    """Put texts in columns: the first to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for name, *numbers in rows:
        cells = [name.ljust(widths[0])]
        cells += [text.rjust(width) for text, width in zip(numbers, widths[1:], strict=True)]
        lines.append("  ".join(cells))
    return "\n".join(lines)
