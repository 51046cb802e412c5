"""How a cluster is: one result, one verdict."""
