"""Tables for people: HTML in a notebook, plain text in a terminal.

What is shown comes from a server: nothing in it is taken for markup or for a terminal's commands.
"""

from __future__ import annotations

import io
import re
import shutil
import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

MOST_ROWS = 60
"""Rows that are shown; the rest is counted."""
WIDTH = 120
"""Columns of text where there is no terminal."""

# Overrides of the direction of writing can make a text look like another one.
_DIRECTIONS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """Return text on one line without anything that a terminal could act on."""
    cleaned = _DIRECTIONS.sub("\N{REPLACEMENT CHARACTER}", text)
    return "".join(_visible(character) for character in cleaned)


def _visible(character: str) -> str:
    if character in "\n\t":
        return " "
    hidden = unicodedata.category(character) in ("Cc", "Cs")
    return "\N{REPLACEMENT CHARACTER}" if hidden else character


@dataclass(frozen=True)
class Sheet:
    """A table to look at."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    left_out: int = 0
    """How many more rows there are."""

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(name)}</th>" for name in self.columns)
        body = "".join(f"<tr>{_cells(row)}</tr>" for row in self.rows)
        more = f"<p>{escape(self._more)}</p>" if self.left_out else ""
        title = f"<h4>{escape(plain(self.title))}</h4>" if self.title else ""
        return f"{title}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"

    def __str__(self) -> str:
        # Imported here: it takes its time, and a notebook does not need it.
        from rich import box  # noqa: PLC0415
        from rich.console import Console  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        table = Table(box=box.SIMPLE_HEAD, title_justify="left", title=Text(plain(self.title)))
        for name in self.columns:
            table.add_column(Text(name), overflow="fold")
        for row in self.rows:
            table.add_row(*(Text(plain(cell)) for cell in row))
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDTH
        console = Console(file=io.StringIO(), width=width, color_system=None, emoji=False)
        with console.capture() as captured:
            console.print(table, self._more) if self.left_out else console.print(table)
        return "\n".join(line.rstrip() for line in captured.get().splitlines())

    __repr__ = __str__

    @property
    def _more(self) -> str:
        return f"… and {self.left_out} more"


def _cells(row: Sequence[str]) -> str:
    return "".join(f"<td>{escape(plain(cell))}</td>" for cell in row)


def show(sheet: Sheet) -> None:
    """Print a table, as HTML if this is a notebook."""
    shell = sys.modules.get("IPython")
    if shell is not None and shell.get_ipython() is not None:
        shell.display.display(sheet)
    else:
        sys.stdout.write(f"{sheet}\n")
