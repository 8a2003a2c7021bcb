"""Checks by replay that the code of ended orchestrations is deterministic."""
