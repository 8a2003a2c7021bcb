"""The scaffold of a model project: `mlopsctl init`, and `mlopsctl contract` for its author."""
