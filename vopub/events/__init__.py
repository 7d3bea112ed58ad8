"""Level-2 files to one row per event."""
