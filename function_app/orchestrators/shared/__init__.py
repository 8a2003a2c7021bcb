"""Generators that several stories are made of: waits, lanes, runs, the trail, cancellation."""
