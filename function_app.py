"""Root file that tools look for; the worker imports the package `function_app` beside it."""
