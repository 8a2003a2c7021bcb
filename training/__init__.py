"""The sample model: Ridge regression on the diabetes data, plain scikit-learn."""
