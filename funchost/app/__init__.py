"""The function app that the host loads: its settings, functions and invocations."""
