"""What of a foreign record may be repeated: programs, modules and parameters by name.

Anything else in a record may name a person, a machine or a place on it, so it stays where it is.
"""

from __future__ import annotations

GENERATORS = frozenset({
    "CORSIKA", "Corant", "GENHEN", "GENTRA", "GIBUU", "GiBUU", "MUPAGE", "gSeaGen", "propa",
})  # fmt: skip
"""Programs that make events; older ones are named by the ``physics`` entries of a header only."""

PHYSICS = frozenset({
    "DPMJET", "EPOS-LHC", "FLUKA", "Geant4", "GENIE", "GENIE_REWEIGHT", "HEMAS-DPM", "MUSIC",
    "PROPOSAL", "PYTHIA", "QGSJETII-04", "SIBYLL-2.3c", "SIBYLL-2.3d", "TAUOLA", "UrQMD",
})  # fmt: skip
"""Models and libraries that those use."""

DETECTOR_SIMULATIONS = frozenset({"GEASIM", "JSirene", "JShift", "KM3", "KM3MC", "KM3Sim"})
"""Programs that follow light and sensors."""

JPP = frozenset({
    "JAANet", "JAddCalibration", "JCalibrate", "JConvert", "JConvertDAQ", "JConvertEvt",
    "JDataFilter", "JDataWriter", "JEnergy", "JEventTimesliceWriter", "JEvt", "JGandalf",
    "JMergeDAQ", "JMergeEvt", "JMergeFit", "JMuonChiSquare", "JMuonEnergy", "JMuonFeatures",
    "JMuonGandalf", "JMuonNPE", "JMuonPath", "JMuonPrefit", "JMuonSimplex", "JMuonStart",
    "JMuonVeto", "JPrefit", "JRandomTimesliceWriter", "JReconstruction", "JShift",
    "JShowerBjorkenY", "JShowerDirectionPrefit", "JShowerEnergyCorrection", "JShowerEnergyPrefit",
    "JShowerFit", "JShowerPointSimplex", "JShowerPositionFit", "JShowerPrefit", "JSimplex",
    "JSirene", "JSplitter", "JStart", "JTriggerEfficiency", "JTriggerEfficiencyRunByRun",
    "JTriggerProcessor",
})  # fmt: skip
"""Applications of Jpp."""

DST_PROGRAMS = frozenset({"make_dst", "merge_dst"})

SIMULATION = GENERATORS | PHYSICS | DETECTOR_SIMULATIONS

FIT_PARAMETERS = frozenset({
    "DZMax", "EMax_log", "EMin_log", "E_GeV", "Pmin1", "Pmin2", "R_Hz", "TMaxLocal_ns", "TMax_ns",
    "TMin_ns", "TTS_ns", "Tmax_ns", "VMax_npe", "ZMax_m", "ZMin_m", "ctMin", "gridAngle_deg",
    "mestimator", "numberOfDZMax", "numberOfOutliers", "numberOfPrefits", "resolution",
    "roadWidth_m", "sigma_ns", "useL0",
})  # fmt: skip
"""Numbers that Jpp's fits are set with."""

GENERATION_RANGES = ("spectrum", "cut_nu", "cut_in")
"""Entries of a simulation header that hold numbers only: spectral index, energies and cosines."""

KM3PIPE_MODULES = frozenset({
    "Calibration", "CalibrationService", "EventInfoTabulator", "EvtPump", "HDF5Pump", "HDF5Sink",
    "HitsTabulator", "MC", "MCHitsTabulator", "MCTracksTabulator", "MemoryObserver", "Offline",
    "OfflineHeaderTabulator", "OfflinePump", "OfflineTabulator", "RecoTracksTabulator",
    "StatusBar", "TickTock",
})  # fmt: skip
"""Modules that come with km3pipe."""
