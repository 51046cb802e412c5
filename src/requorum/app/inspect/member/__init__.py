"""What members run with, and where each of their settings is written."""
