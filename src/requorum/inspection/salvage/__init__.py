"""One clean database out of damaged ones: what they prove together, and what nobody can prove.

`docs/concepts/what-salvage-believes.md` says it in words.
"""
