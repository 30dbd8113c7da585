"""Labels and their categories, and what they are attached to."""
