"""`make bench-gates`: the gate's error rates and power where the truth is known."""
