"""How results are shown as text; a file for each result."""
