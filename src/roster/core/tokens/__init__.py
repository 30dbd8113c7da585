"""Signed texts: access tokens, one-time proofs, and the keys of a realm that sign them."""
