"""How the app speaks to a scoring service: keys, probes, the prediction log."""
