"""The worker against the two sample agencies over real HTTP, and against everything that can go wrong with them."""
