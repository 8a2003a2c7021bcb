"""Commands about one version of a model: its lineage and its reproduction."""
