"""Proving that an address is one's own: verifying e-mail addresses, and recovering a lost password."""
