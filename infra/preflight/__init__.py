"""Looks whether a deployment can succeed, before anything is made."""
