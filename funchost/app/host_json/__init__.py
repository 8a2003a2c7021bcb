"""host.json: its JSON with comments, its settings, and what this host makes of each."""
