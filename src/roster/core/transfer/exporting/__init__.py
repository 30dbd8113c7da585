"""Writing people out: page by page along their ids, as NDJSON or as a table."""
