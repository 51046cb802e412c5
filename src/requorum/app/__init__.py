"""Use cases: one function per intention; settings and wiring."""
