"""The tables of mlops.toml, one module for each subject."""
