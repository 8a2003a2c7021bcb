"""Access of all Azure adapters to Azure: the credential, Blob storage, Tables, the workspace."""
