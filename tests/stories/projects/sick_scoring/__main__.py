"""A service that does not start."""

raise SystemExit("cannot find the model")
