"""Parts of the sky as ranges of whole numbers, so that a database can tell what covers a position.

Source: IVOA MOC 2.0, section 4: a range of the cells of order 29, nested numbering of HEALPix.
"""

from __future__ import annotations

ORDER = 29
MOST_RANGES = 5000
"""Ranges kept of one coverage; a finer one is made coarser, never smaller."""
COARSEST = 4


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


def cell_of(ra: float, dec: float) -> int:
    """Return the cell of order 29 that a position (ICRS, degrees) lies in."""
    from astropy import units as u  # noqa: PLC0415 - as above
    from mocpy import MOC  # noqa: PLC0415 - as above

    cell = MOC.from_lonlat([ra] * u.deg, [dec] * u.deg, max_norder=ORDER)
    return int(cell.to_depth29_ranges[0][0])
