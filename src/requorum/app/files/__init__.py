"""Where files lie that a command names, and what they are."""
