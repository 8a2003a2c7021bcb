"""Azure as code: Bicep, its offline checks, and the steps around a deployment."""
