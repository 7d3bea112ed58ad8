"""Publish neutrino-telescope data to the Virtual Observatory and an Open Data Center."""

__version__ = "0.1.0"
