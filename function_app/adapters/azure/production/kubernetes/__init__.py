"""Production on Kubernetes: Azure Kubernetes Service or any other cluster."""
