"""Events: verified, stored, claimed, and turned into stories."""
