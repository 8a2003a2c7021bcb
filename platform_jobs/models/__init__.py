"""The commands of a model project, and the models that they write."""
