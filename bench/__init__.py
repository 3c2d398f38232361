"""Measured comparisons: what the hub costs beside the least that could do the same. See bench/README.md."""
