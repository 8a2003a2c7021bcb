"""Runs the checks of a change of code that nobody has looked at yet, and contains what they do."""
