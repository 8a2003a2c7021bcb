"""Production on this machine: a proxy and its replicas for each model."""
