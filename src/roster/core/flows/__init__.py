"""Use cases that span several features."""
