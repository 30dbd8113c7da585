"""Whether people can be called on, now and as they have planned it."""
