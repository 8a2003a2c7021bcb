"""Images on this machine, in the OCI image layout."""
