"""Realms: tenants that cannot see each other, and the rules each sets for its people."""
