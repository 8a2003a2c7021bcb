"""Rules of the gate of a training: the spending of its error budget, and its checks."""
