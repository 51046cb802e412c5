"""Ways to break a practice member that does not run; each is repeatable by its seed."""
