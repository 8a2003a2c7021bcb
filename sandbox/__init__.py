"""Runs a command apart from the rest of this machine; it knows no other package."""
