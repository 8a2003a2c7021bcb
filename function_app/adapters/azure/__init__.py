"""The platform Azure: each port by its SDK, imported when it is first used."""
