"""Azure as code: Bicep, its offline check, and what puts the deployed folder together."""
