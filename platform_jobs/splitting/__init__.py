"""Splits rows by their content, and remembers which rows a model was trained on."""
