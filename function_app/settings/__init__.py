"""The settings of the app, one module for each subject."""
