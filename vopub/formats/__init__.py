"""Event tables to files and back."""
