"""The directory's words and the wire's, both ways. Pure."""
