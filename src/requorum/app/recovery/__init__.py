"""Plans that bring a cluster back, and the runs that carry them out."""
