"""Trusted devices, such as tills: principals with a key of their own, and where changes come from."""
