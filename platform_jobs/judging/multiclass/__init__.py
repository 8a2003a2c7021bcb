"""Metrics, figures and plots of classifications with more than two labels."""
