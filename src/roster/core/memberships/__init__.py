"""Who is a member of which organisation."""
