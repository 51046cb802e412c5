"""The use cases behind `requorum lab member`.

On their own, since every start of a practice member is a process that pays for its imports.
"""

from requorum.lab import practice

start_member = practice.start_member
stop_member = practice.stop_member
member_running = practice.member_running
configure_member = practice.configure_member
