"""Invitations to organisations: of people who are here already, and of people who are not."""
