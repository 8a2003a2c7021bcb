"""Releases: the record, the approval, the law of production, and what is served."""
