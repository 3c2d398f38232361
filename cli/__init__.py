"""`okno` commands."""
