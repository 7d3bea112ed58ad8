"""Licences of data by their SPDX identifiers, with the addresses of their texts.

Source: SPDX License List 3.25, and the pages of Creative Commons and Open Data Commons.
"""

from __future__ import annotations

import re

_CC = "https://creativecommons.org"
_BY_KIND = {
    f"CC-{kind.upper()}-{version}": f"{_CC}/licenses/{kind}/{version}/"
    for kind in ("by", "by-sa", "by-nd", "by-nc", "by-nc-sa", "by-nc-nd")
    for version in ("3.0", "4.0")
}
LICENCES = {
    **_BY_KIND,
    "CC0-1.0": f"{_CC}/publicdomain/zero/1.0/",
    "ODbL-1.0": "https://opendatacommons.org/licenses/odbl/1-0/",
    "ODC-By-1.0": "https://opendatacommons.org/licenses/by/1-0/",
    "PDDL-1.0": "https://opendatacommons.org/licenses/pddl/1-0/",
    "BSD-3-Clause": "https://opensource.org/license/bsd-3-clause",
    "MIT": "https://opensource.org/license/mit",
}
"""Address of the licence by SPDX identifier."""


def addresses(licence: str) -> tuple[str, ...]:
    """Return the addresses under which the text of a known licence is found."""
    return (LICENCES[licence], f"https://spdx.org/licenses/{licence}")


def same_address(one: str, other: str) -> bool:
    """Tell whether two addresses are of the same licence, in whatever language or form."""
    return _plain(one) == _plain(other)


def _plain(url: str) -> str:
    url = re.sub(r"^https?://(www\.)?", "", url.lower())
    return re.sub(r"(/(legalcode|deed)(\.[a-z-]+)?|\.html|/)+$", "", url)
