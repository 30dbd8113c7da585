"""Counters against guessing and flooding, shared by all workers and all dialects."""
