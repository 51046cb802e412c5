"""One write-ahead log, record by record."""
