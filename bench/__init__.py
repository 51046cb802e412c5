"""The hot paths, each beside the tool that a user would take instead, in the same run."""
