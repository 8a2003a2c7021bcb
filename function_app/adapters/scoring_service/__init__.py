"""Access to a scoring service: keys, probes, the prediction log."""
