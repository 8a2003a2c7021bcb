"""Data in Azure: arriving files, versions, and what production saw."""
