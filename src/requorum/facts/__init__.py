"""Read-only questions to live systems and their files."""
