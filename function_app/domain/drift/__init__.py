"""Drift: observations of production, the sequential test, and retrainings."""
