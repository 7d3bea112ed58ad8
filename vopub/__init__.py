"""Publish neutrino-telescope data to the Virtual Observatory and an Open Data Center.

A physicist starts with ``from vopub import KM3Store``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vopub.client import KM3Store

__all__ = ["KM3Store", "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    # Imported when it is asked for, so that 'import vopub' costs nothing.
    if name == "KM3Store":
        from vopub.client import KM3Store  # noqa: PLC0415

        return KM3Store
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
