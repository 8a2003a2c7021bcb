"""HTTP: the app's routes, the management routes, and the limits before both."""
