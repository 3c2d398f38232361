"""Other servers for the same operations over the same database: what the hub is measured beside. None of them checks sign-in or rights."""
