"""Second factors: time-based one-time passwords (RFC 6238) and backup codes."""
