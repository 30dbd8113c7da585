"""Custom fields of people: what a realm has defined about them, and checking values against it."""
