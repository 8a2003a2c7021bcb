"""Changes of code: checks, isolation, integration."""
