"""Operators' nouns and rules, without I/O."""
