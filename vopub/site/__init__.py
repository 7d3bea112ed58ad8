"""One directory holding a running PostgreSQL, DaCHS and ODC."""
