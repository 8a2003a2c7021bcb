"""People, the authors of a version, and the separation of duties."""
