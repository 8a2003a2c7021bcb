"""The lineage of a version: the inputs of its training, and their comparison."""
