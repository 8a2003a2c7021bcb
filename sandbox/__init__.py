"""Runs a command isolated from this machine; imports no other package of the project."""
