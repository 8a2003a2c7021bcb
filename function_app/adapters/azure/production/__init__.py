"""Production in Azure: on Kubernetes, or as a managed online endpoint."""
