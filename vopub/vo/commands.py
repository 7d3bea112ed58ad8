"""Commands of DaCHS, one after the other; run by the Python that DaCHS is installed in.

Most of what a ``dachs`` command takes is the import of DaCHS. This imports it once; then each line
that comes in is a command, which runs in a process of its own as if it had been started alone.
Nothing of one is left for the next. The program ends with the input.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

MODULES = (
    "gavo.api", "gavo.user.cli", "gavo.user.dropping", "gavo.user.errhandle", "gavo.user.importing",
    "gavo.user.limits", "gavo.user.logui", "gavo.user.plainui", "gavo.user.useless",
    "gavo.user.validation", "gavo.registry.publication", "gavo.rscdef.regtest",
)  # fmt: skip
SET_DEATH_SIGNAL = 1
"""``PR_SET_PDEATHSIG`` of prctl(2)."""


def main() -> None:
    """Run the commands that come in."""
    sys.path[:] = [place for place in sys.path if place]  # not what lies where this was started
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    silence = os.open(os.devnull, os.O_RDWR)
    os.dup2(silence, 1)
    for name in MODULES:
        importlib.import_module(name)
    print("ready", file=answers, flush=True)
    for line in iter(sys.stdin.readline, ""):
        asked = json.loads(line)
        print("begun", file=answers, flush=True)
        outputs = [os.memfd_create(name) for name in ("stdout", "stderr")]
        parent = os.getpid()
        child = os.fork()
        if child == 0:
            answers.close()
            become(asked, (silence, *outputs), parent)
            return  # and end as a program does
        _, status = os.waitpid(child, 0)
        out, err = map(content, outputs)
        code = os.waitstatus_to_exitcode(status)
        print(json.dumps([code, out, err]), file=answers, flush=True)


def become(asked: dict[str, Any], places: Sequence[int], parent: int) -> None:
    """Be the command that was asked for; returns when it ended well."""
    ctypes.CDLL(None).prctl(SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
    for number, place in enumerate(places):
        os.dup2(place, number)
    words: list[str] = asked["arguments"]
    # What 'ps' shows.
    Path("/proc/self/comm").write_text(f"dachs {words[0]}", encoding="ascii")
    # As gavo.base.config does with GAVO_INPUTSDIR.
    importlib.import_module("gavo.base.config").set("inputsDir", asked["inputs"])
    sys.argv = ["dachs", *words]
    importlib.import_module("gavo.user.cli").main()


def content(place: int) -> str:
    """Return what was written to an open file, and close it."""
    with open(place, "rb") as stream:
        stream.seek(0)
        return stream.read().decode(errors="replace")


if __name__ == "__main__":
    main()
