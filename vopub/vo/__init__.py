"""Event tables to services of the Virtual Observatory."""
