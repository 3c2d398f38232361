"""One verb per file: what must be true before, and what becomes true."""
