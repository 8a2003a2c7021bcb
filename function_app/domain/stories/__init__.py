"""Stories as people see them: outcomes, lanes, cancellation, retries, failures."""
