"""Production as an Azure ML managed online endpoint."""
