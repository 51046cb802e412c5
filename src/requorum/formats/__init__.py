"""Bytes to records and back: bbolt, WAL, snap, MVCC, the protobuf wire. Pure."""
