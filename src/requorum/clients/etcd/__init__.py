"""etcd's gRPC API."""

import os

# gRPC's C core logs each failed handshake to stderr by itself, next to our own error and its
# hint. It reads this before its first import, hence here; an operator's own setting wins.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
