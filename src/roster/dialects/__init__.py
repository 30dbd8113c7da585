"""The APIs that Roster speaks, each in a folder of its own; they do not know each other."""
