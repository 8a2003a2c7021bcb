"""Measures the speed of the local host beside floors and peers: `make bench`."""
