"""Access to the app: budgets of callers, proxies, and the audit log."""
