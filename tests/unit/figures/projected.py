"""Where astropy's own Mollweide projection puts directions on a map that was drawn as SVG."""

from __future__ import annotations

import re

import numpy as np
from astropy.wcs import WCS
from lxml import etree
from numpy.typing import ArrayLike, NDArray

SVG = "{http://www.w3.org/2000/svg}"
LINK = "{http://www.w3.org/1999/xlink}href"
HALF_WIDTH = np.degrees(2 * np.sqrt(2))
"""Of the projected sky in degrees. Source: Calabretta & Greisen (2002), section 5.3.3."""


def places(svg: bytes, ra: ArrayLike, dec: ArrayLike) -> NDArray[np.float64]:
    """Return x and y in the drawing of directions, of shape (n, 2), y downwards."""
    sky = WCS(naxis=2)
    sky.wcs.ctype = ["RA---MOL", "DEC--MOL"]
    sky.wcs.crval, sky.wcs.crpix, sky.wcs.cdelt = [180, 0], [0, 0], [-1, 1]
    plane = np.column_stack(sky.wcs_world2pix(np.ravel(ra), np.ravel(dec), 0)) + 1
    (outline,) = etree.fromstring(svg).findall(f".//{SVG}g[@id='patch_2']/{SVG}path")
    numbers = re.findall(r"-?[\d.]+", outline.get("d", ""))
    points = np.array(numbers, dtype=float).reshape(-1, 2)
    low, high = points.min(axis=0), points.max(axis=0)
    scale = (high - low) / 2 / [HALF_WIDTH, -HALF_WIDTH / 2]
    there: NDArray[np.float64] = (low + high) / 2 + plane * scale
    return there


def marks(svg: bytes, group: str = "PathCollection_1") -> NDArray[np.float64]:
    """Return x and y of the marks of a group, of shape (n, 2)."""
    uses = etree.fromstring(svg).findall(f".//{SVG}g[@id='{group}']//{SVG}use")
    return np.array([[float(use.get(axis, "nan")) for axis in "xy"] for use in uses])
