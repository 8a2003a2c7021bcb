"""Access of all local adapters to this machine: files, SQLite, processes, containers."""
