"""How every local adapter reaches this machine: files, SQLite, processes, containers."""
