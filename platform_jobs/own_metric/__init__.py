"""An own function of a model's code as the metric of its gate."""
