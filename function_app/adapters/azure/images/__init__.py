"""Images: built by ACR Tasks, read back by digest from the container registry."""
