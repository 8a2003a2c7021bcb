"""The programs around a sandboxed command: the monitor outside, and process 1 of the namespaces."""
