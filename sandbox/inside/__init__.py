"""The programs around a sandboxed command: its monitor outside, and process 1 of its namespaces."""
