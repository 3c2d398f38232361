"""The `okno` commands."""
