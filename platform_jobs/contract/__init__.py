"""The conformance kit of a model project: runs its commands as the platform does, and more."""
