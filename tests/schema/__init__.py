"""The checks of the schema against documents in use."""
