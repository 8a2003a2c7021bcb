"""How fast the local host is, beside floors and peers: `make bench`."""
