"""Webhooks of code hosts: signatures, sources, and pushes."""
