"""Where ROOT files keep the record of the programs that made them.

Jpp: the directory ``META`` holds one text per application, and one ``JMeta`` per application run,
the oldest with the highest cycle. DST files: the directory ``dst_history``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, TypeAlias

from vopub.events.lazy import Lazy

META, ORDER = "META", "JMeta"
DST_HISTORY, COMMAND_LINE = "dst_history", "command_line"

Reading: TypeAlias = Callable[[str], AbstractContextManager[object]]
"""What a piece of the file is read within, told which: it may say in other words what fails."""


def jpp_texts(file: Any, reading: Reading = nullcontext) -> list[str]:
    """Return the texts of the applications of Jpp, oldest first; none if there is no record.

    Parameters
    ----------
    file
        The file as uproot opened it.
    reading
        What every access to it happens within.
    """
    texts = _texts(file, META, reading)
    if texts is None:
        return []
    runs = sorted((key for key in texts if _name(key) == ORDER), key=_cycle, reverse=True)
    names = [texts[key] for key in runs]
    total = Counter(names)
    found = []
    for name in names:  # an application that ran twice has two texts, the older the higher cycle
        key = f"{name};{total[name]}"
        total[name] -= 1
        if key in texts:
            found.append(texts[key])
    return found


def dst_command(file: Any, reading: Reading = nullcontext) -> str | None:
    """Return the command line of the DST production; None if it is no DST, empty if not told.

    Parameters are as of `jpp_texts`.
    """
    texts = _texts(file, DST_HISTORY, reading)
    if texts is None:
        return None
    # some productions wrote a bare key there, which nothing can read
    cycles = [key for key in texts if _name(key) == COMMAND_LINE]
    return texts[max(cycles, key=_cycle)] if cycles else ""


def _texts(file: Any, name: str, reading: Reading) -> Mapping[str, str] | None:
    """Return the texts in a directory by their names with cycles, None if it is not there."""
    with reading(f"the directory {name}"):
        if file.classnames(recursive=False, cycle=False).get(name) != "TDirectory":
            return None
        directory = file[name]
        kinds = directory.classnames(recursive=False)
    texts = [key for key, kind in kinds.items() if kind == "TNamed"]
    return Lazy({key: partial(_title, directory, key, reading) for key in texts})


def _title(directory: Any, key: str, reading: Reading) -> str:
    with reading(f"the record {key!r} of the programs that made it"):
        return str(directory[key].member("fTitle"))


def _name(key: str) -> str:
    return key.rpartition(";")[0]


def _cycle(key: str) -> int:
    return int(key.rpartition(";")[2])
