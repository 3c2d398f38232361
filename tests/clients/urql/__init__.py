"""urql against the hub."""
