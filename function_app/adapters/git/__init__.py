"""Repositories of the models' code, read by dulwich in a process of its own."""
