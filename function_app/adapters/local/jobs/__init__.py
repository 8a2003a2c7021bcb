"""Runs on this machine: a supervised process each, recorded in MLflow."""
