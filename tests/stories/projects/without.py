"""A model project without a sample."""

raise SystemExit("There is no sample.")
