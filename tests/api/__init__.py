"""GraphQL documents in, answers out: the schema with a real database and the real reference data."""
