"""Use cases: they read and act through ports and records, and decide by the rules of the domain."""
