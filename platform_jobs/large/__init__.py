"""Prepares large plain files of numbers by arrays, with the results of the way by text cells."""
