"""Sessions: one per sign-in, ended at once when revoked, and kept alive by refresh tokens that rotate."""
