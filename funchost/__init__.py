"""A local host for Azure Functions apps of the Python v2 programming model."""
