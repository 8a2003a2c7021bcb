"""Limits of the time that tests wait for an answer, or for the end of a process.

A machine with other work stalls: for ten seconds nothing runs. No limit that decides a test may be
shorter than such a stall. `python -m tests.stall` makes stalls; tests/architecture/test_patience.py
refuses short limits.
"""

PATIENCE = 300.0  # seconds
