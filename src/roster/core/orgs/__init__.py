"""Organisations: trees of them, and whose they are."""
