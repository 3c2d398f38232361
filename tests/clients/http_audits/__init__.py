"""What the judges of the GraphQL-over-HTTP draft say about the served hub."""
