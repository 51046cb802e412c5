"""bbolt, the file format of etcd's database: one file, pages, B+trees of buckets."""
