"""Hosts that funchost is compared with, each in a process of its own."""
