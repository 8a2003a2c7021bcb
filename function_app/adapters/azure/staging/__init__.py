"""Staging on Azure Container Instances."""
