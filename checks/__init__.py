"""Runs the checks of a code change that is not reviewed yet, in isolation."""
