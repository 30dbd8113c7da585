"""Second factors: time-based one-time passwords (RFC 6238), backup codes, and BankID in place of a password."""
