"""In what the two lists of UCD words in use differ: 1.5 (DaCHS, Debian) and 1.6 (astropy 8).

Source: "The UCD1+ controlled vocabulary", IVOA, versions 1.5 of 2022-09-20 and 1.6 of 2024-12-18.
"""

from __future__ import annotations

_NEW = """
    arith.squared arith.sum arith.variation em.freq.cutoff em.freq.resonance em.pw
    em.radio.20MHz instr.experiment instr.rmsf instr.voxel meta.calibLevel meta.checksum
    meta.coverage meta.preview meta.query meta.ref.doi meta.ref.epic meta.ref.ivoid
    meta.ref.orcid meta.ref.pid meta.ref.rorid obs.atmos.humidity obs.atmos.rain
    obs.atmos.turbulence obs.atmos.turbulence.isoplanatic obs.atmos.water obs.atmos.wind
    obs.calib.dark obs.occult obs.transit phot.radiance phys.aerosol phys.current
    phys.current.density phys.density.phaseSpace phys.dust phys.electCharge phys.energy.Gibbs
    phys.energy.Helmholtz phys.enthalpy phys.fluence phys.flux phys.flux.energy
    phys.inspiralSpin phys.mass.inertiaMomentum phys.particle phys.particle.alpha
    phys.particle.neutron phys.particle.proton phys.phaseSpace phys.polarization.coherency
    phys.polarization.stokes.I phys.polarization.stokes.Q phys.polarization.stokes.U
    phys.polarization.stokes.V phys.potential phys.reflectance phys.reflectance.bidirectional
    phys.reflectance.bidirectional.df phys.reflectance.factor phys.size.smedAxis
    phys.temperature.dew phys.voltage phys.volume pos.azimuth pos.bodycentric pos.bodygraphic
    pos.bodyrc.lon pos.centroid pos.cylindrical pos.cylindrical.azi pos.cylindrical.r
    pos.cylindrical.z pos.emergenceAng pos.incidenceAng pos.nutation pos.outline pos.projection
    pos.resolution pos.spherical pos.spherical.azi pos.spherical.colat pos.spherical.r
    src.orbital.TissJ src.orbital.Tisserand stat.asymmetry stat.confidenceLevel
    stat.falseNegative stat.falsePositive stat.fwhm stat.interval stat.kurtosis stat.mad
    stat.percentile stat.rank stat.rms stat.skewness time.period.pulsation
    time.period.revolution time.period.rotation
"""
NEW_IN_1_6 = frozenset(_NEW.split())
"""Words that 1.5 does not have."""
CHANGED = {
    "meta.curation": "P",
    "meta.ref.uri": "Q",
    "phys.atmol.collisional": "Q",
    "phys.virial": "Q",
    "pos.eq": "S",
    "src.var.amplitude": "E",
    "stat.stdev": "P",
}
"""Words that changed where in a UCD they may stand, with where 1.5 lets them: P first, S later, and
anything else everywhere."""


def missing_in_1_5(ucd: str) -> list[str]:
    """Return the words of a UCD of the list 1.6 that the list 1.5 does not have at their places."""
    return [word for place, word in enumerate(ucd.split(";")) if not _known(word, place)]


def _known(word: str, place: int) -> bool:
    return word not in NEW_IN_1_6 and CHANGED.get(word) != ("S" if place == 0 else "P")
