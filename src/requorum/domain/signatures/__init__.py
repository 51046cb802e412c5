"""What etcd prints when something is wrong, what it means, and what to do: one entry a symptom."""
