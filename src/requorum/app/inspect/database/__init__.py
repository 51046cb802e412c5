"""One database or snapshot file, to its last byte."""
