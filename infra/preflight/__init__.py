"""Checks whether a deployment can succeed, before any resource is created."""
