"""Ordinary load with hostile clients beside it, measured. See bench/README.md."""
