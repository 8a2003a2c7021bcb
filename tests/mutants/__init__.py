"""Mutation tests: small faults put into the rules of decisions, each of which a test must find."""
