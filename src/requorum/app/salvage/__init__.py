"""One clean database of several damaged ones."""
