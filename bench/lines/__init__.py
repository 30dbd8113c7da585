"""The lines of the table, one file for each sort of work."""
