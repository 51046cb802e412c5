"""The engine that shows a change, runs what was approved, and can be killed at any point."""
