"""Moves a project that began as a clone of Microsoft's MLOpsPython; `mlopsctl import` runs it."""
