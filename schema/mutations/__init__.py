"""One verb per file: input → command → payload."""
