"""Plans that change who is a member of a cluster that serves."""
