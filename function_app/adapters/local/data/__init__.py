"""Data on this machine: the inbox folder, versions, and what production saw."""
