"""Releases: the record, the approval, the law of production, and the served images."""
