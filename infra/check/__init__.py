"""Checks infra/ without a network and without a compiler: `python -m infra.check`."""
