"""Merging a source into the directory: staged with COPY, matched and written set by set, one transaction a batch."""
