"""Measurements of a trained model beside its answers to the judging rows."""
