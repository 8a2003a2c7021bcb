"""The service that a model's image runs."""
