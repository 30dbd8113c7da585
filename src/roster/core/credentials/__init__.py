"""Means of proving who one is: passwords, API keys, personal tokens, device secrets, external identities."""
