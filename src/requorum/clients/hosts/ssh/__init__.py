"""Hosts over SSH. Nothing is installed there: a POSIX shell, coreutils, util-linux, findutils.

asyncssh is loaded with these modules, so only `requorum.clients.hosts.at` imports them, and only
when there is a host that is not this machine.
"""
