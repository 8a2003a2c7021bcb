"""The decisions of Microsoft's worker on small apps, recorded."""
