"""The REST wire: JSON, forms and files over the shared HTTP session."""
