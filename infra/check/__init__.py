"""Compiles infra/ and checks the result, without a network: `python -m infra.check`."""
