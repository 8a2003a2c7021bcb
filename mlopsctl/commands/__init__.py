"""The commands of mlopsctl, one module for each group."""
