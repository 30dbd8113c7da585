"""Requests that programs want made at certain times: once, or again and again by a cron expression."""
