"""Records of earlier versions, which had tables of their own: they become rows, once."""
