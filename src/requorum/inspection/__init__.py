"""What files prove, and which member's history is longest. Pure."""
