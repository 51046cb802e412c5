"""What two databases do not have in common: keys, and the histories that made them."""
