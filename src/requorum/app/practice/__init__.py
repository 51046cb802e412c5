"""The practice cluster, the demo and the trials."""
