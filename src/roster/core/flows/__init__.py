"""Use cases over several features, one file each."""
