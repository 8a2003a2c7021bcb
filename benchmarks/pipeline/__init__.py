"""The pipeline of a training, beside two bare processes."""
