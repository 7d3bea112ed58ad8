"""What a fit says about itself: ``fitinf`` of a track, by name.

Places and names are those of the KM3NeT Data Definitions 3.6.2 (``fitparameters.csv``). The same
place means different things for different programs, and files fill the places of programs that were
not run with zeros, so a value counts only if the program that writes it has reached its stage.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vopub.events.tracks import Floats, Mask, numbers

JMUONGANDALF, JMUONENERGY, JMUONSTART, JMUONFEATURES, JMUONVETO = 3, 4, 5, 7, 1001
JSHOWERCOMPLETEFIT = 103
AASHOWERFITPOSITIONFIT = 303

NO_VALUE = float(np.finfo(np.float64).max)
"""What the programs write, with either sign, where they have no number."""

MUON, SHOWER, AASHOWER = ("jmuon",), ("jshower",), ("aashower",)
JPP = (*MUON, *SHOWER)


@dataclass(frozen=True, slots=True)
class FitParameter:
    """One number that a fit says about itself."""

    place: int
    """Its place in ``fitinf``."""
    reconstructions: tuple[str, ...]
    """Names of the reconstructions that write it."""
    stage: int | None = None
    """The stage that must be reached; None if any will do."""
    positive: bool = False
    """Whether zero and less stand for none."""
    most: float = NO_VALUE
    """More than this stands for none."""


FIT = {
    "jgandalf_beta0_rad": FitParameter(0, MUON, JMUONGANDALF, positive=True, most=np.pi),
    "jgandalf_beta1_rad": FitParameter(1, MUON, JMUONGANDALF, positive=True, most=np.pi),
    "jgandalf_chi2": FitParameter(2, MUON, JMUONGANDALF),
    "jgandalf_number_of_hits": FitParameter(3, MUON, JMUONGANDALF),
    "jenergy_energy": FitParameter(4, MUON, JMUONENERGY, positive=True),
    "jenergy_chi2": FitParameter(5, MUON, JMUONENERGY),
    "jgandalf_lambda": FitParameter(6, MUON, JMUONGANDALF),
    "jgandalf_number_of_iterations": FitParameter(7, MUON, JMUONGANDALF),
    "jstart_npe_mip": FitParameter(8, MUON, JMUONSTART),
    "jstart_npe_mip_total": FitParameter(9, MUON, JMUONSTART),
    "jstart_length_metres": FitParameter(10, MUON, JMUONSTART),
    "jveto_npe": FitParameter(11, MUON, JMUONVETO),
    "jveto_number_of_hits": FitParameter(12, MUON, JMUONVETO),
    "jenergy_muon_range_metres": FitParameter(13, MUON, JMUONENERGY),
    "jenergy_noise_likelihood": FitParameter(14, MUON, JMUONENERGY),
    "jenergy_ndf": FitParameter(15, MUON, JMUONENERGY),
    "jenergy_number_of_hits": FitParameter(16, MUON, JMUONENERGY),
    "jcopy_z_m": FitParameter(17, JPP),
    "jpp_coverage_orientation": FitParameter(18, JPP),
    "jpp_coverage_position": FitParameter(19, JPP),
    "jenergy_minimal_energy": FitParameter(20, MUON, JMUONENERGY, positive=True),
    "jenergy_maximal_energy": FitParameter(21, MUON, JMUONENERGY, positive=True),
    "jstart_npe_mip_missed": FitParameter(22, MUON, JMUONSTART),
    "jmuonfeatures_number_of_doms": FitParameter(23, MUON, JMUONFEATURES),
    "jmuonfeatures_number_of_lines": FitParameter(24, MUON, JMUONFEATURES),
    "jmuonfeatures_number_of_hits": FitParameter(25, MUON, JMUONFEATURES),
    "jshowerfit_energy": FitParameter(4, SHOWER, JSHOWERCOMPLETEFIT, positive=True),
    "aashowerfit_energy": FitParameter(0, AASHOWER, AASHOWERFITPOSITIONFIT, positive=True),
    "aashowerfit_number_of_hits": FitParameter(1, AASHOWER, AASHOWERFITPOSITIONFIT),
}
"""What can be asked for, by name in lower case; the catalogue describes each."""


def usable(
    name: str, reconstruction: str, values: Floats, has_stage: Callable[[int], Mask] | None = None
) -> Floats:
    """Return values of a fit parameter, NaN where they mean nothing.

    Parameters
    ----------
    name
        A key of `FIT`.
    reconstruction
        The one that made the tracks.
    values
        What the file holds for each track, NaN where it holds nothing.
    has_stage
        Tells which tracks have reached a stage; None for layouts that do not keep the stages.
    """
    described = FIT[name]
    if reconstruction not in described.reconstructions:
        return np.full(len(values), np.nan)
    values = numbers(values)
    given = (np.abs(values) < NO_VALUE) & (values <= described.most)
    if described.positive:
        given &= values > 0
    if has_stage is not None and described.stage is not None:
        given &= has_stage(described.stage)
    return np.where(given, values, np.nan)
