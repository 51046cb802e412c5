"""What floors 4 to 6 see of the world: protocols that `requorum.clients` fulfils.

Every call that leaves the process takes a `deadline` in seconds and raises `DeadlineExceeded`
when it passes. Nothing here removes a file: data is renamed, never removed.
"""
