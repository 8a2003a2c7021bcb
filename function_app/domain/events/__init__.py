"""Events in the words of the domain, and their life in the inbox."""
