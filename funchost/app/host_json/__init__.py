"""host.json: its JSON with comments, its settings, and their effect on this host."""
