"""The SQLite file of the host, and the steps of its schema."""
