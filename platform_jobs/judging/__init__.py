"""Judging: figures of predictions, and the comparison of two models."""
