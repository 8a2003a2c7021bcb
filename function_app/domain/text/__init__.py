"""Texts from outside: patterns of identifiers, redaction, and limits of length."""
