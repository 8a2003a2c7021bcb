"""Checks of the data that arrived, against the schema and against earlier data."""
