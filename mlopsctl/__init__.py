"""The command line: an HTTP client of the app; `up` and `demo` start the host, too."""
