"""Tokens and keys of the people who use this machine."""
