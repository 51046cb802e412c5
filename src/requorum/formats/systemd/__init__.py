"""What systemd reads: unit files, their command lines, and environment files."""
