"""The directory: who exists and who may do what. No HTTP, no dialect words."""
