"""The contenders, a module each; each runs in its own process and prints its measurements."""
