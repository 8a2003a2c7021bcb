"""Reads mlops.toml strictly; for the app and for mlopsctl.

The package uses the standard library only, and imports little: the app reads mlops.toml at each
cold start. `declaration` names every key with its kind, its default and its meaning; the check
(`checking`, `rules`) and the reference page (`page`) are made from it.
"""
