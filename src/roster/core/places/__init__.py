"""Places that roles can be limited to: facilities, groups of facilities, zones."""
