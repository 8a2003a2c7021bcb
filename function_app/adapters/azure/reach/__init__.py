"""How every Azure adapter reaches Azure: the credential, Blob storage, Tables, the workspace."""
