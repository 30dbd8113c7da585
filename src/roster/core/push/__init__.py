"""Devices that take push messages: whose they are, and messages to all of somebody's."""
