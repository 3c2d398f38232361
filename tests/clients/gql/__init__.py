"""gql for Python against the hub."""
