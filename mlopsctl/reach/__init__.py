"""Helpers by which the commands find the app, authenticate, and start a host on this machine."""
