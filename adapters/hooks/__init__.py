"""Named Python functions for what an agency file cannot say; one file per agency."""
