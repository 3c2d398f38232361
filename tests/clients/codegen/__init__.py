"""GraphQL Code Generator's client preset against the hub."""
