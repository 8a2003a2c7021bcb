"""Jobs of the platform: they read data, split rows and judge models, apart from the app's host.

Every figure that a gate decides by is computed here, never by a model's own code. The package knows
nothing of the function app: files go in, files come out.
"""
