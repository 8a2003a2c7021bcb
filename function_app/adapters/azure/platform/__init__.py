"""The one-time set-up in Azure: each resource is read, created when absent, and removed."""
