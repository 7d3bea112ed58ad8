"""Parts of the sky as ranges of whole numbers, so that a database can tell what covers a position.

Source: IVOA MOC 2.0, section 4: a range of the cells of order 29, nested numbering of HEALPix.
"""

from __future__ import annotations

import re
from functools import lru_cache

ORDER = 29
MOST_RANGES = 5000
"""Ranges kept of one coverage; a finer one is made coarser, never smaller."""
COARSEST = 4
_CELLS = r"[0-9]{1,19}(-[0-9]{1,19})?"
_MOC = re.compile(rf"\s*([0-9]{{1,2}}/\s*({_CELLS}(\s+|$))*)+")


def problem_of(moc: str) -> str:
    """Say what is wrong with a text as a MOC in ASCII form (MOC 2.0, 4.3.1); empty if nothing is.

    Cells that another one holds already are wrong too, as the form does not allow them.
    """
    if not _MOC.fullmatch(moc):
        return "this is not a MOC"
    order = 0
    for part in re.findall(rf"[0-9]+/|{_CELLS.replace('(', '(?:')}", moc):
        if part.endswith("/"):
            order = int(part[:-1])
        if what := _impossible(part, order):
            return what
    is_empty = not re.search(rf"/\s*{_CELLS}(\s|$)", moc)
    return "" if is_empty or ranges_of(moc) else "a cell is named twice or lies in another"


def _impossible(part: str, order: int) -> str:
    if order > ORDER:
        return f"there is no order {order}"
    if part.endswith("/"):
        return ""
    first, _, last = part.partition("-")
    if int(last or first) < int(first):
        return f"cells {part} go backwards"
    most = 12 * 4**order
    return "" if int(last or first) < most else f"order {order} has {most} cells, not {part}"


def ranges_of(moc: str) -> list[tuple[int, int]]:
    """Return the ranges of cells that a MOC in ASCII form covers, each with the cell after it.

    None if the text is not a MOC: then no position lies in it.
    """
    from mocpy import MOC  # noqa: PLC0415 - loads long, and is needed for few records

    try:
        covered = MOC.from_string(moc, format="ascii")
    except OSError:  # what mocpy raises about a text
        return []
    while len(covered.to_depth29_ranges) > MOST_RANGES and covered.max_order > COARSEST:
        covered = covered.degrade_to_order(covered.max_order - 1)
    ranges = [(int(first), int(stop)) for first, stop in covered.to_depth29_ranges]
    return [(first, stop) for first, stop in ranges if first < stop]


@lru_cache(maxsize=100)  # a page of a list and its count ask for the same
def cell_of(ra: float, dec: float) -> int:
    """Return the cell of order 29 that a position (ICRS, degrees) lies in."""
    from astropy import units as u  # noqa: PLC0415 - as above
    from mocpy import MOC  # noqa: PLC0415 - as above

    cell = MOC.from_lonlat([ra] * u.deg, [dec] * u.deg, max_norder=ORDER)
    return int(cell.to_depth29_ranges[0][0])
