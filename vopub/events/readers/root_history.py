"""Where ROOT files keep the record of the programs that made them.

Jpp: the directory ``META`` holds one text per application, and one ``JMeta`` per application run,
the oldest with the highest cycle. DST files: the directory ``dst_history``.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

META, ORDER = "META", "JMeta"
DST_HISTORY, COMMAND_LINE = "dst_history", "command_line"


def jpp_texts(file: Any) -> list[str]:
    """Return the texts of the applications of Jpp, oldest first; none if there is no record.

    Parameters
    ----------
    file
        The file as uproot opened it.
    """
    if file.classnames(recursive=False, cycle=False).get(META) != "TDirectory":
        return []
    directory = file[META]
    kinds = directory.classnames(recursive=False)
    texts = [key for key, kind in kinds.items() if kind == "TNamed"]
    runs = sorted((key for key in texts if _name(key) == ORDER), key=_cycle, reverse=True)
    names = [str(directory[key].member("fTitle")) for key in runs]
    total = Counter(names)
    found = []
    for name in names:  # an application that ran twice has two texts, the older the higher cycle
        key = f"{name};{total[name]}"
        total[name] -= 1
        if key in texts:
            found.append(str(directory[key].member("fTitle")))
    return found


def dst_command(file: Any) -> str | None:
    """Return the command line of the DST production; None if it is no DST, empty if not told."""
    if file.classnames(recursive=False, cycle=False).get(DST_HISTORY) != "TDirectory":
        return None
    directory = file[DST_HISTORY]
    # some productions wrote a bare key there, which nothing can read
    if directory.classnames(cycle=False).get(COMMAND_LINE) != "TNamed":
        return ""
    return str(directory[COMMAND_LINE].member("fTitle"))


def _name(key: str) -> str:
    return key.rpartition(";")[0]


def _cycle(key: str) -> int:
    return int(key.rpartition(";")[2])
