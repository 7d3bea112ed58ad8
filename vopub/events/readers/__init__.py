"""Readers of level-2 files, one module per layout."""
