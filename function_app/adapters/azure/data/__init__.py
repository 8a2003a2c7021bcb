"""Data in Azure: arriving files, versions, and the observations of production."""
