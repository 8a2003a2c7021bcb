"""A training that fails."""

raise SystemExit("no memory for 10 trees")
