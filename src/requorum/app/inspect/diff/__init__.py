"""Two databases, and what they do not have in common."""
