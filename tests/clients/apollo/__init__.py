"""Apollo Client against the hub."""
