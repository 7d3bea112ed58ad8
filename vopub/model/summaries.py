"""Parameters that no catalogue describes: what programs say of an event in sum.

Each version of the programs that make DST files writes other summaries, so they are known by a
rule: ``dst_<branch>_<leaf>`` in lower case; what generators of neutrinos list is called
``w2list_<generator>_<name>``. Units, UCDs and meanings are the publisher's to say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from vopub.model.parameter import Dtype, Parameter

DESCRIBED_BY = frozenset({"ucd", "description"})
"""What a resource has to say of a summary that is one of its columns."""
NOT_AVAILABLE = "The file has no finite number there, or one of those that stand for none."
_NAME = re.compile(r"(?:dst|w2list)_[a-z0-9_]{1,56}", re.ASCII)
_WORD = re.compile(r"\w+", re.ASCII)
_TRUTHS = ("dst_sum_mc_", "dst_coords_nu_", "w2list_")
"""How the names of what is known of simulated events alone begin."""


def is_summary(name: str) -> bool:
    """Tell whether a parameter is a summary of DST files, or of a generator's list."""
    return _NAME.fullmatch(name) is not None


def is_true_summary(name: str) -> bool:
    """Tell whether a summary is known of simulated events alone."""
    return is_summary(name) and name.startswith(_TRUTHS)


def summaries_in(text: str) -> frozenset[str]:
    """Return the names of summaries in columns, cuts or formulas."""
    return frozenset(filter(is_summary, _WORD.findall(text)))


def summary(name: str, described: Mapping[str, Any] | None = None) -> Parameter:
    """Return a summary as a parameter: a number without a unit, unless its resource says more.

    Raises
    ------
    pydantic.ValidationError
        If what the resource says makes the parameter invalid.
    """
    said_by_nobody = {
        "name": name,
        "dtype": Dtype.FLOAT64,
        "ucd": "meta",
        "description": "A number of the event that no catalogue describes, as the file says it.",
        "null": NOT_AVAILABLE,
        "truth": is_true_summary(name),
    }
    return Parameter.model_validate({**said_by_nobody, **(described or {})})
