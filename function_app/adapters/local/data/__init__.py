"""Data on this machine: the inbox folder, versions, and the observations of production."""
